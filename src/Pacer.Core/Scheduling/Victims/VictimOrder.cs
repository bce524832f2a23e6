using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Victims;

/// <summary>Which instances go first when there are too many (marathon-behaviour.md §1.6, marathon-model.md §9.5).</summary>
internal static class VictimOrder
{
    /// <summary>
    /// The <paramref name="count"/> instances to end: the sentenced, then what never ran, then by state, then by age as the spec says.
    /// GROUP_BY constraints prefer victims from the fullest group.
    /// </summary>
    public static List<Instance> Choose(
        IEnumerable<Instance> candidates, int count, ValueList<InstanceId> sentenced, RunSpec spec, Func<Instance, string, string?> fieldValue)
    {
        var order = candidates.Where(i => sentenced.Contains(i.Id)).OrderBy(i => i.Id).Take(count).ToList();
        if (order.Count == count)
        {
            return order;
        }
        var rest = candidates.Where(i => !sentenced.Contains(i.Id)).ToList();
        rest.Sort((a, b) => Compare(a, b, spec.KillSelection));
        var groupBy = spec.Constraints.Where(c => c.Operator == ConstraintOperator.GroupBy).ToList();
        if (groupBy.Count == 0)
        {
            order.AddRange(rest.Take(count - order.Count));
            return order;
        }
        while (order.Count < count && rest.Count > 0)
        {
            var victim = FromFullestGroup(rest, groupBy, fieldValue);
            rest.Remove(victim);
            order.Add(victim);
        }
        return order;
    }

    private static Instance FromFullestGroup(List<Instance> rest, List<Constraint> groupBy, Func<Instance, string, string?> fieldValue)
    {
        // What is not placed anywhere is no loss for any group.
        if (rest.Find(i => i.Placement is null) is { } unplaced)
        {
            return unplaced;
        }
        IEnumerable<Instance> best = rest;
        foreach (var constraint in groupBy)
        {
            best = best.GroupBy(i => fieldValue(i, constraint.Field), StringComparer.Ordinal).MaxBy(g => g.Count())!.ToList();
        }
        return best.First();
    }

    private static int Compare(Instance a, Instance b, KillSelection selection)
    {
        var byState = Rank(a.Condition).CompareTo(Rank(b.Condition));
        if (byState != 0)
        {
            return byState;
        }
        var byAge = StartedAt(a).CompareTo(StartedAt(b));
        if (byAge == 0)
        {
            return a.Id.CompareTo(b.Id);
        }
        return selection == KillSelection.OldestFirst ? byAge : -byAge;
    }

    private static Timestamp StartedAt(Instance instance) => instance.ActiveSince ?? instance.ScheduledAt;

    private static int Rank(Condition condition) => condition switch
    {
        Condition.Scheduled => 0,
        _ when condition.IsTerminal() => 0,
        Condition.Unreachable or Condition.UnreachableInactive => 1,
        Condition.Provisioned or Condition.Staging => 2,
        Condition.Starting => 3,
        Condition.Running => 4,
        _ => 5,
    };
}
