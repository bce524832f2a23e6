using System.Collections.Immutable;
using Pacer.Core.Model;
using Pacer.Core.Services.Dependencies;

namespace Pacer.Core.Scheduling.Deployments;

/// <summary>Orders the actions that lead from old to new definitions (marathon-behaviour.md §1.2).</summary>
internal static class DeploymentPlanner
{
    /// <param name="transitions">What changes; entries that change nothing get no action.</param>
    /// <param name="target">All definitions after the change: dependencies order the steps.</param>
    /// <param name="groups">All groups after the change: theirs count for everything in them.</param>
    public static ValueList<DeploymentStep> Plan(
        IReadOnlyList<RunSpecTransition> transitions,
        ImmutableSortedDictionary<RunSpecId, RunSpec> target,
        ImmutableSortedDictionary<string, Group> groups,
        ValueList<InstanceId> sentenced)
    {
        var steps = new List<DeploymentStep>();
        AddStep(steps, transitions.Where(t => t.Target is null).Select(t => Action(ActionKind.Stop, t.Original!, [])));
        AddStep(steps, transitions.Where(t => t.Original is null && t.Target is not null).Select(t => Action(ActionKind.Start, t.Target!, [])));

        var graph = new DependencyGraph(target, groups);
        var byDepth = new SortedDictionary<int, List<DeploymentAction>>();
        foreach (var transition in transitions)
        {
            if (KindOf(transition) is { } kind)
            {
                var depth = graph.DepthOf(transition.Id);
                if (!byDepth.TryGetValue(depth, out var actions))
                {
                    byDepth.Add(depth, actions = []);
                }
                actions.Add(Action(kind, transition.Target!, kind == ActionKind.Scale ? sentenced : []));
            }
        }
        foreach (var actions in byDepth.Values)
        {
            AddStep(steps, actions);
        }
        return ValueList.From(steps);
    }

    // A forced restart moves the stamp of the last configuration change, though the configuration stays the same.
    private static ActionKind? KindOf(RunSpecTransition transition)
    {
        if (transition.Target is not { } target)
        {
            return null;
        }
        if (transition.Original is not { } original)
        {
            return ActionKind.Scale;
        }
        if (original.SameConfigAs(target) && original.LastConfigChangeAt == target.LastConfigChangeAt)
        {
            return original.Instances == target.Instances ? null : ActionKind.Scale;
        }
        return target.Instances == 0 ? ActionKind.Scale : ActionKind.Restart;
    }

    private static DeploymentAction Action(ActionKind kind, RunSpec spec, ValueList<InstanceId> sentenced) =>
        new(kind, spec.Id, spec.Kind, ValueList.From(sentenced.Where(i => i.RunSpecId == spec.Id)));

    private static void AddStep(List<DeploymentStep> steps, IEnumerable<DeploymentAction> actions)
    {
        var ordered = ValueList.From(actions.OrderBy(a => a.RunSpecId));
        if (!ordered.IsEmpty)
        {
            steps.Add(new DeploymentStep(ordered));
        }
    }
}
