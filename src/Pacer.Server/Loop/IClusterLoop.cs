using Pacer.Core.Cluster;

namespace Pacer.Server.Loop;

/// <summary>The one writer of the cluster's state, seen from outside: reads are snapshots, wishes go through the inbox.</summary>
public interface IClusterLoop
{
    /// <summary>The state after the last committed batch. Immutable; take it once per request.</summary>
    ClusterState State { get; }

    /// <summary>
    /// Puts a command into the inbox and waits until it is decided and durable.
    /// Throws <see cref="StoreUnavailableException"/> when the store can't commit: nothing was changed then.
    /// </summary>
    Task<CommandResult> SubmitAsync(Func<RequestId, Input.Command> command, CancellationToken cancellationToken);

    /// <summary>Puts a fact into the inbox without waiting; its place in the order is that of the call.</summary>
    ValueTask PostAsync(Input input, CancellationToken cancellationToken);

    /// <summary>Completes when a state with at least this index is published, and gives that state.</summary>
    Task<ClusterState> WaitForIndexAsync(long index, CancellationToken cancellationToken);
}

/// <summary>The store refused to commit (disk full, I/O error). <see cref="Exception.Message"/> is fit for users.</summary>
public sealed class StoreUnavailableException(string message, Exception inner) : Exception(message, inner);
