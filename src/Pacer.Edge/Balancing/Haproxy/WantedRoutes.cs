using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>The newest routing table that HAProxy is to do, and whether it does. Posted by any thread, followed by one.</summary>
internal sealed class WantedRoutes
{
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Lock _lock = new();
    private RoutingTable? _table;
    private TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null: none was posted yet.</summary>
    public RoutingTable? Newest
    {
        get
        {
            lock (_lock)
            {
                return _table;
            }
        }
    }

    /// <summary>Completes when all that was posted so far is done.</summary>
    public Task Settled
    {
        get
        {
            lock (_lock)
            {
                return _settled.Task;
            }
        }
    }

    public void Post(RoutingTable table)
    {
        lock (_lock)
        {
            _table = table;
            if (_settled.Task.IsCompleted)
            {
                _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            Wake();
        }
    }

    /// <summary>This table is done, as far as it can be.</summary>
    public void Complete(RoutingTable table)
    {
        lock (_lock)
        {
            if (ReferenceEquals(table, _table))
            {
                _settled.TrySetResult();
            }
            else
            {
                Wake();
            }
        }
    }

    /// <summary>Waits for news, for so long.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => _wake.WaitAsync(longest, cancellationToken);

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }
}
