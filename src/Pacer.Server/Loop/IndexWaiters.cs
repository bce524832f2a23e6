using Pacer.Core.Cluster;

namespace Pacer.Server.Loop;

/// <summary>Those who wait for the state to reach an index. Whoever gives up is forgotten at once.</summary>
internal sealed class IndexWaiters
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(long Index, long Number), TaskCompletionSource<ClusterState>> _waiters = [];
    private long _lowest = long.MaxValue;
    private long _last;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Completes with the first published state that has at least this index.</summary>
    public async Task<ClusterState> WaitAsync(long index, Func<ClusterState> current, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource<ClusterState>(TaskCreationOptions.RunContinuationsAsynchronously);
        (long, long) key;
        lock (_gate)
        {
            key = (index, ++_last);
            _waiters.Add(key, waiter);
            Volatile.Write(ref _lowest, Math.Min(_lowest, index));
        }
        // Looked at only now: a state published before the waiter was listed would otherwise be missed.
        Published(current());
        try
        {
            return await waiter.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _waiters.Remove(key);
                SetLowest();
            }
            throw;
        }
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
            while (_waiters.Count > 0 && _waiters.First() is var (key, waiter) && key.Index <= state.Index)
            {
                _waiters.Remove(key);
                waiter.TrySetResult(state);
            }
            SetLowest();
        }
    }

    private void SetLowest() => Volatile.Write(ref _lowest, _waiters.Count > 0 ? _waiters.First().Key.Index : long.MaxValue);
}
