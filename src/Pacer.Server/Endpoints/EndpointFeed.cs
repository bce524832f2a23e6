using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.Endpoints;
using Pacer.Core.Cluster;

namespace Pacer.Server.Endpoints;

/// <summary>
/// The endpoints table with its latest changes, for readers who follow it. The loop only hands over what it committed; the rows are
/// made by one task of the feed's own.
/// </summary>
internal sealed partial class EndpointFeed : IAsyncDisposable
{
    /// <summary>Rows of the changes that are kept; who is further behind gets a snapshot.</summary>
    public const int KeptRows = 65_536;

    private readonly Channel<(IReadOnlyList<Change> Changes, ClusterState After)> _commits =
        Channel.CreateUnbounded<(IReadOnlyList<Change>, ClusterState)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ILogger<EndpointFeed> _log;
    private readonly string _epoch;
    private readonly Lock _gate = new();
    private readonly Queue<(long Number, EndpointDelta Delta)> _kept = new();
    private readonly Task _running;
    private readonly EndpointTable _table;
    private int _keptRows;
    private long _number;
    private EndpointCluster _cluster = new();
    private long _clusterNumber;
    private TaskCompletionSource _changed = NewSignal();

    public EndpointFeed(ClusterState initial, TimeProvider time, ILogger<EndpointFeed> log)
    {
        _log = log;
        // Numbers of another process must not be mistaken for ours.
        _epoch = time.GetUtcNow().ToUnixTimeMilliseconds().ToString("x", CultureInfo.InvariantCulture);
        _table = EndpointTable.Of(initial);
        _running = RunAsync();
    }

    /// <summary>Called by the loop after each commit, in order. Does not block.</summary>
    public void Committed(IReadOnlyList<Change> changes, ClusterState after) => _commits.Writer.TryWrite((changes, after));

    /// <summary>Says what holds for the whole cluster; known once the server listens.</summary>
    public void Describe(EndpointCluster cluster)
    {
        lock (_gate)
        {
            _cluster = cluster;
            _clusterNumber = ++_number;
            _kept.Enqueue((_number, new EndpointDelta()));
        }
        Wake();
    }

    /// <summary>
    /// What changed after <paramref name="cursor"/>; null when nothing did. A cursor that is null, of another process or too old gives
    /// a snapshot.
    /// </summary>
    public EndpointUpdate? Since(string? cursor)
    {
        lock (_gate)
        {
            var after = Parse(cursor);
            if (after < 0 || after > _number || (_kept.TryPeek(out var oldest) ? after < oldest.Number - 1 : after != _number))
            {
                return Snapshot();
            }
            if (after == _number)
            {
                return null;
            }
            var sum = new EndpointDelta();
            foreach (var (number, delta) in _kept)
            {
                if (number > after)
                {
                    sum.Add(delta);
                }
            }
            var update = sum.ToUpdate(CursorOf(_number));
            update.Cluster = _clusterNumber > after ? _cluster : null;
            return update;
        }
    }

    /// <summary>Completes when something comes after <paramref name="cursor"/>.</summary>
    public Task WaitAsync(string cursor, CancellationToken cancellationToken)
    {
        var changed = Volatile.Read(ref _changed).Task;
        lock (_gate)
        {
            if (Parse(cursor) != _number)
            {
                return Task.CompletedTask;
            }
        }
        return changed.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _commits.Writer.TryComplete();
        await _running;
    }

    private async Task RunAsync()
    {
        await foreach (var (changes, after) in _commits.Reader.ReadAllAsync())
        {
            try
            {
                Apply(changes, after);
            }
            catch (Exception e)
            {
                LogCommitFailed(e);
            }
        }
    }

    private void Apply(IReadOnlyList<Change> changes, ClusterState after)
    {
        lock (_gate)
        {
            var delta = _table.Apply(changes, after);
            if (delta.Count == 0)
            {
                return;
            }
            _kept.Enqueue((++_number, delta));
            _keptRows += delta.Count;
            while (_keptRows > KeptRows && _kept.Count > 1)
            {
                _keptRows -= _kept.Dequeue().Delta.Count;
            }
        }
        Wake();
    }

    private void Wake() => Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();

    private EndpointUpdate Snapshot() => new()
    {
        Cursor = CursorOf(_number),
        Reset = true,
        Cluster = _cluster,
        Services = [.. _table.Services],
        Nodes = [.. _table.Nodes],
        Tasks = [.. _table.Tasks],
    };

    private string CursorOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{_epoch}-{number}");

    private long Parse(string? cursor) =>
        cursor is not null && cursor.Length > _epoch.Length && cursor.StartsWith(_epoch, StringComparison.Ordinal) && cursor[_epoch.Length] == '-'
            && long.TryParse(cursor.AsSpan(_epoch.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : -1;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(EventId = 400, Level = LogLevel.Error, Message = "The endpoints of a commit could not be worked out. This is a bug in Pacer.")]
    private partial void LogCommitFailed(Exception exception);
}
