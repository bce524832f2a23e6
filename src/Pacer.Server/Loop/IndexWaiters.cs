using Pacer.Core.Cluster;

namespace Pacer.Server.Loop;

/// <summary>Those who wait for the state to reach an index.</summary>
internal sealed class IndexWaiters
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<TaskCompletionSource<ClusterState>, long> _waiters = new();
    private long _lowest = long.MaxValue;

    /// <summary>Completes with the first published state that has at least this index.</summary>
    public Task<ClusterState> WaitAsync(long index, Func<ClusterState> current, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource<ClusterState>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiters.Enqueue(waiter, index);
            Volatile.Write(ref _lowest, Math.Min(_lowest, index));
        }
        // Looked at only now: a state published before the waiter was listed would otherwise be missed.
        Published(current());
        return waiter.Task.WaitAsync(cancellationToken);
    }

    public void Published(ClusterState state)
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _lowest) > state.Index)
        {
            return;
        }
        lock (_gate)
        {
            while (_waiters.TryPeek(out var waiter, out var index) && index <= state.Index)
            {
                _waiters.Dequeue();
                waiter.TrySetResult(state);
            }
            Volatile.Write(ref _lowest, _waiters.TryPeek(out _, out var next) ? next : long.MaxValue);
        }
    }
}
