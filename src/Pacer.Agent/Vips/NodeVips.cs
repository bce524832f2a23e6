using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Networks;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Vips;

namespace Pacer.Agent.Vips;

/// <summary>
/// The virtual IPs of a node: takes rows of the endpoints feed and keeps the node's data path as they say. Without contact to the server
/// the last rows stay in force.
/// </summary>
internal sealed partial class NodeVips : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);

    private readonly IVipPath _path;
    private readonly string _nodeId;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly VipRows _rows = new();
    private readonly Channel<VipPlan> _plans = Channel.CreateBounded<VipPlan>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private string? _lastTrouble;

    internal NodeVips(IVipPath path, string? userSpaceReason, string nodeId, TimeProvider time, ILogger logger)
    {
        _path = path;
        UserSpaceReason = userSpaceReason;
        _nodeId = nodeId;
        _time = time;
        _logger = logger;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Why connections pass through this process; null: the kernel leads them.</summary>
    public string? UserSpaceReason { get; }

    /// <param name="wish">"auto", "kernel", "user" or "off".</param>
    /// <returns>Null: the node has none.</returns>
    /// <exception cref="AgentException">It was asked for what this machine can't.</exception>
    public static async Task<NodeVips?> OpenAsync(string wish, string workDir, string nodeId, NetworkTools tools, TimeProvider time, ILogger logger)
    {
        var naming = new NetworkNaming(workDir);
        if (wish == "off")
        {
            return null;
        }
        var reason = wish == "user" ? "--vips user" : await KernelVips.UnavailableAsync(tools, naming).ConfigureAwait(false);
        if (reason is not null && wish == "kernel")
        {
            throw new AgentException($"--vips kernel: {reason}. Start the agent as root where nftables works, or with --vips auto.");
        }
        return reason is null
            ? new NodeVips(new KernelVips(tools, naming), null, nodeId, time, logger)
            : new NodeVips(new ProxyVips(tools, naming, time, new TroubleLog(logger).Tell), reason, nodeId, time, logger);
    }

    /// <summary>Takes over an update of the feed, one that is not partial. One call at a time.</summary>
    public void Apply(EndpointUpdate update)
    {
        if (_rows.Apply(update) is not null)
        {
            _plans.Writer.TryWrite(VipPlan.Of(_rows.ToTable(), _rows.Range, _nodeId));
        }
    }

    /// <summary>Removes everything from the node. To be called when no task of it is left that could miss it.</summary>
    public async Task RemoveAsync()
    {
        await StopAsync().ConfigureAwait(false);
        try
        {
            await _path.RemoveAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            LogTrouble(_logger, e.Message);
        }
    }

    /// <summary>Ends; the kernel goes on leading connections by the last rows.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _path.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        VipPlan? plan = null;
        var done = true;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (await NextAsync(done ? LookInterval : RetryPause).ConfigureAwait(false) is { } next)
                {
                    (plan, done) = (next, false);
                }
                if (!done)
                {
                    await _path.ApplyAsync(plan!).ConfigureAwait(false);
                    done = true;
                }
                else if (plan is not null)
                {
                    await _path.CheckAsync().ConfigureAwait(false);
                }
                _lastTrouble = null;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (IOException e)
            {
                if (_lastTrouble != e.Message)
                {
                    LogTrouble(_logger, e.Message);
                    _lastTrouble = e.Message;
                }
            }
            catch (Exception e)
            {
                LogUnexpected(_logger, e);
            }
        }
    }

    /// <summary>The newest plan; null when none came in time.</summary>
    private async Task<VipPlan?> NextAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        try
        {
            return await _plans.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Says each trouble once.</summary>
    private sealed class TroubleLog(ILogger logger)
    {
        private string? _last;

        public void Tell(string? trouble)
        {
            if (trouble is not null && trouble != _last)
            {
                LogTrouble(logger, trouble);
            }
            _last = trouble;
        }
    }

    [LoggerMessage(2801, LogLevel.Warning, "Virtual IPs could not be made as they should be: {Cause}")]
    private static partial void LogTrouble(ILogger logger, string cause);

    [LoggerMessage(2802, LogLevel.Error, "Unexpected error with virtual IPs")]
    private static partial void LogUnexpected(ILogger logger, Exception e);
}
