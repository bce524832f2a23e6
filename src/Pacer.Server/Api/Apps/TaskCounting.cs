using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Apps;

/// <summary>Counts and ages of an app's tasks (marathon-api.md §2.1).</summary>
internal static class TaskCounting
{
    private static readonly ConditionalWeakTable<ImmutableSortedDictionary<InstanceId, Instance>, TaskCounts> Counted = [];

    /// <summary>The counts of an app's instances, made once as long as none of them changes. Shared: read them only.</summary>
    public static TaskCounts CountOf(ImmutableSortedDictionary<InstanceId, Instance> instances) =>
        Counted.GetValue(instances, static all => Count(all.Values));

    public static TaskCounts Count(IEnumerable<Instance> instances)
    {
        var counts = new TaskCounts();
        foreach (var instance in instances)
        {
            if (instance.IsScheduled || instance.IsSuspended || instance.Tasks.IsEmpty)
            {
                continue;
            }
            var task = instance.Tasks[0];
            counts.Staged += task.Condition is Condition.Scheduled or Condition.Provisioned or Condition.Staging ? 1 : 0;
            counts.Running += task.Condition == Condition.Running ? 1 : 0;
            if (!task.Health.IsEmpty)
            {
                var healthy = task.Health.All(result => result.Alive);
                counts.Healthy += healthy ? 1 : 0;
                counts.Unhealthy += healthy ? 0 : 1;
            }
        }
        return counts;
    }

    /// <summary>Adds the counts to an object whose last member is written, as bytes.</summary>
    public static void WriteMembers(this TaskCounts counts, IBufferWriter<byte> buffer)
    {
        Write(buffer, ",\"tasksStaged\":"u8, counts.Staged);
        Write(buffer, ",\"tasksRunning\":"u8, counts.Running);
        Write(buffer, ",\"tasksHealthy\":"u8, counts.Healthy);
        Write(buffer, ",\"tasksUnhealthy\":"u8, counts.Unhealthy);
    }

    private static void Write(IBufferWriter<byte> buffer, ReadOnlySpan<byte> nameAndColon, int count)
    {
        buffer.Write(nameAndColon);
        Utf8Formatter.TryFormat(count, buffer.GetSpan(11), out var written);
        buffer.Advance(written);
    }

    public static TaskStatistics Statistics(RunSpec spec, IReadOnlyCollection<Instance> instances, Timestamp now) => new()
    {
        StartedAfterLastScaling = Group(instances.Where(i => i.RunSpecVersion >= spec.LastScalingAt), now),
        WithLatestConfig = Group(instances.Where(i => i.RunSpecVersion >= spec.LastConfigChangeAt), now),
        WithOutdatedConfig = Group(instances.Where(i => i.RunSpecVersion < spec.LastConfigChangeAt), now),
        TotalSummary = Group(instances, now),
    };

    private static StatisticsGroup? Group(IEnumerable<Instance> instances, Timestamp now)
    {
        var launched = instances.Where(i => !i.IsScheduled && !i.Tasks.IsEmpty).ToList();
        if (launched.Count == 0)
        {
            return null;
        }
        var ages = launched.Select(i => i.Tasks[0]).Where(t => t.StartedAt is not null && !t.Condition.IsTerminal())
            .Select(t => (now - t.StartedAt!.Value).TotalSeconds).Order().ToList();
        return new StatisticsGroup
        {
            Stats = new Statistics
            {
                Counts = Count(launched),
                LifeTime = ages.Count == 0 ? null : new TaskLifeTime { AverageSeconds = ages.Average(), MedianSeconds = Median(ages) },
            },
        };
    }

    private static double Median(List<double> sorted) =>
        sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
}
