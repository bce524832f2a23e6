using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Healing;

/// <summary>
/// Whether instances are ended for failing health. When most of a run spec turn unhealthy together, the cause is rarely in each of
/// them (a database, the network, the check itself), and ending them all takes away what still works.
/// </summary>
/// <param name="Unhealthy">Instances that fail their checks, or were ended for it and have not been healthy since.</param>
/// <param name="Instances">Those, and all that run.</param>
internal readonly record struct HealthBrake(int Unhealthy, int Instances)
{
    public static HealthBrake Of(IEnumerable<Instance> instances)
    {
        int unhealthy = 0, all = 0;
        foreach (var instance in instances)
        {
            if (instance.Goal != Goal.Running)
            {
                continue;
            }
            var failing = instance.UnhealthyKill is not null || (instance.Condition == Condition.Running && instance.Healthy == false);
            unhealthy += failing ? 1 : 0;
            all += failing || instance.Condition == Condition.Running ? 1 : 0;
        }
        return new(unhealthy, all);
    }

    /// <summary>Why the instance is to be ended; null when it is not. What ends already, or can't be reached, is not.</summary>
    public static string? KillCause(Instance instance)
    {
        if (instance is not { Condition: Condition.Running, KillSentAt: null })
        {
            return null;
        }
        foreach (var task in instance.Tasks)
        {
            foreach (var result in task.Health)
            {
                if (!task.Condition.IsTerminal() && result.KillCause is { } cause) // what a finished container said last counts no more
                {
                    return cause;
                }
            }
        }
        return null;
    }

    /// <summary>
    /// More than half, at least two, are unhealthy, and this one was healthy before. One that never was since its launch is
    /// ended all the same: a new start may be what it needs, and nothing is lost by it.
    /// </summary>
    public bool Holds(Instance instance) =>
        Unhealthy >= 2 && Unhealthy * 2 > Instances
        && instance.Tasks.All(task => task.Health.All(result => result.FirstSuccess is not null));
}
