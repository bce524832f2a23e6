using System.Collections.Concurrent;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Metrics;

/// <summary>What the loop does: steps, commits, and what came of them. Written by the loop's thread.</summary>
internal sealed class LoopMetrics(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, long> _taskUpdates = new(StringComparer.Ordinal);
    private long _deployments;
    private long _dismissed;
    private long _launches;
    private long _podLaunches;
    private long _kills;

    public CallTimer Steps { get; } = new(time);

    public CallTimer Commits { get; } = new(time);

    /// <summary>Inputs handled in one step.</summary>
    public Distribution BatchInputs { get; } = new(time);

    /// <summary>Changes made durable by one commit.</summary>
    public Distribution CommitChanges { get; } = new(time);

    public long Deployments => Volatile.Read(ref _deployments);

    public long Dismissed => Volatile.Read(ref _dismissed);

    /// <summary>Tasks sent to nodes to be launched.</summary>
    public long Launches => Volatile.Read(ref _launches);

    public long PodLaunches => Volatile.Read(ref _podLaunches);

    public long Kills => Volatile.Read(ref _kills);

    /// <summary>Status updates of tasks, by the state's name.</summary>
    public IReadOnlyDictionary<string, long> TaskUpdates => _taskUpdates;

    public long Now() => time.GetTimestamp();

    public void Stepped(int inputs, long since)
    {
        Steps.Record(time.GetElapsedTime(since));
        BatchInputs.Record(inputs);
    }

    public void Committed(int changes, long since)
    {
        Commits.Record(time.GetElapsedTime(since));
        CommitChanges.Record(changes);
    }

    public void Count(Effect effect)
    {
        switch (effect)
        {
            case Effect.Reply { Result: CommandResult.Deploying }:
                Interlocked.Increment(ref _deployments);
                break;
            case Effect.Reply { Result: CommandResult.Conflict or CommandResult.TooManyDeployments }:
                Interlocked.Increment(ref _dismissed);
                break;
            case Effect.Launch launch:
                Interlocked.Increment(ref launch.RunSpec.Kind == RunSpecKind.Pod ? ref _podLaunches : ref _launches);
                break;
            case Effect.Kill:
                Interlocked.Increment(ref _kills);
                break;
            case Effect.Publish { Event: ClusterEvent.StatusUpdated update }:
                _taskUpdates.AddOrUpdate(update.Task.Condition.ToMesosState(), 1, static (_, count) => count + 1);
                break;
        }
    }
}
