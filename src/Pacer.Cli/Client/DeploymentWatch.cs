using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>
/// Waits for a deployment and shows what it does. Events wake it, so that it is quick and asks seldom; the state it reads
/// decides, so that a lost event only delays.
/// </summary>
internal sealed class DeploymentWatch : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly ApiClient _api;
    private readonly Terminal _terminal;
    private readonly EventStream? _events;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _woken = new(0, 1);
    private readonly Dictionary<string, string?> _ended = new(StringComparer.Ordinal);
    private readonly Task _reading;

    private DeploymentWatch(ApiClient api, Terminal terminal, EventStream? events)
    {
        _api = api;
        _terminal = terminal;
        _events = events;
        _reading = events is null ? Task.CompletedTask : ReadEventsAsync(events);
    }

    /// <summary>Call before the change, so that its end can't be missed.</summary>
    public static async Task<DeploymentWatch> OpenAsync(ApiClient api, Terminal terminal, CancellationToken cancellationToken) =>
        new(api, terminal, await EventStream.OpenAsync(api, [], cancellationToken));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _events?.Dispose();
        await _reading;
        _stop.Dispose();
        _woken.Dispose();
    }

    /// <summary>Returns when it has finished; throws when it was cancelled, reverted, or took longer than <paramref name="timeout"/>.</summary>
    /// <param name="apps">Apps known to be touched; the deployment itself names the others while it runs.</param>
    public async Task WaitAsync(string deploymentId, IEnumerable<string> apps, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var started = DateTimeOffset.UtcNow;
        var affected = new HashSet<string>(apps, StringComparer.Ordinal);
        var failuresShown = new HashSet<string>(StringComparer.Ordinal);
        var seen = false;
        try
        {
            while (true)
            {
                var deployment = (await _api.GetAsync("v2/deployments", cancellationToken) as JsonArray ?? [])
                    .FirstOrDefault(candidate => candidate.Text("id") == deploymentId);
                if (deployment is null)
                {
                    await EndAsync(deploymentId, affected, seen, cancellationToken);
                    return;
                }
                seen = true;
                affected.UnionWith(deployment.Items("affectedApps").Concat(deployment.Items("affectedPods")).Select(id => id.GetValue<string>()));
                await ShowAsync(deployment, affected, failuresShown, started, cancellationToken);
                if (DateTimeOffset.UtcNow - started > timeout)
                {
                    throw await TimedOutAsync(deploymentId, affected, timeout, cancellationToken);
                }
                await _woken.WaitAsync(Patience, cancellationToken);
                await Task.Delay(Pause, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Interrupted,
                $"Stopped watching; the deployment goes on. 'pacer deployment watch {deploymentId}' looks again, 'pacer deployment rollback {deploymentId}' undoes it.");
        }
    }

    private async Task ShowAsync(
        JsonNode deployment, HashSet<string> affected, HashSet<string> failuresShown, DateTimeOffset started, CancellationToken cancellationToken)
    {
        var apps = await AppsAsync(affected, cancellationToken);
        var queue = apps.Any(app => app.Count("tasksRunning") < app.Count("instances"))
            ? (await _api.GetAsync("v2/queue", cancellationToken)).Items("queue").ToList()
            : [];
        foreach (var app in apps)
        {
            var failure = app["lastTaskFailure"];
            // Failures from before this deployment are none of its business; clocks of two machines may differ a little.
            if (failure is not null && DateTimeOffset.TryParse(failure.Text("timestamp"), out var at) && at >= started.AddSeconds(-2)
                && failuresShown.Add(failure.Text("taskId") + failure.Text("timestamp")))
            {
                _terminal.Line("failed: " + DeploymentProgress.LastFailure(app));
            }
        }
        _terminal.Live(DeploymentProgress.Describe(deployment, apps, queue));
    }

    private async Task EndAsync(string deploymentId, HashSet<string> affected, bool seen, CancellationToken cancellationToken)
    {
        // The event of its end travels on another connection: give it a moment before the state alone decides.
        for (var waited = 0; waited < 20 && !Ended(deploymentId, out _) && !_reading.IsCompleted; waited++)
        {
            await _woken.WaitAsync(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
        var apps = await AppsAsync(affected, cancellationToken);
        if (Ended(deploymentId, out var reason) && reason is not null)
        {
            throw new CliException(ExitCode.DeploymentFailed, $"Deployment {deploymentId} did not finish: {reason}");
        }
        if (!seen && reason is null && !Ended(deploymentId, out _))
        {
            _terminal.Line($"Deployment {deploymentId} is not running: it has finished, or never existed.");
            return;
        }
        foreach (var app in apps)
        {
            _terminal.Final(DeploymentProgress.DescribeApp(app));
        }
    }

    private async Task<CliException> TimedOutAsync(string deploymentId, HashSet<string> affected, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var apps = await AppsAsync(affected, cancellationToken);
        var queue = (await _api.GetAsync("v2/queue", cancellationToken)).Items("queue").ToList();
        var lines = new List<string> { $"Not finished after {JsonText.Short(timeout.TotalSeconds)} s; deployment {deploymentId} goes on." };
        foreach (var app in apps)
        {
            lines.Add("  " + DeploymentProgress.DescribeApp(app));
            if (DeploymentProgress.LastFailure(app) is { } failure)
            {
                lines.Add("  last failure: " + failure);
                lines.Add($"  its output: pacer task log {app["lastTaskFailure"].Text("taskId")} --file stderr");
            }
        }
        lines.AddRange(DeploymentProgress.Waiting(apps, queue).Select(reason => "  " + reason));
        lines.Add($"Undo it: pacer deployment rollback {deploymentId}. Keep watching: pacer deployment watch {deploymentId}.");
        return new CliException(ExitCode.DeploymentFailed, string.Join('\n', lines));
    }

    private async Task<List<JsonNode>> AppsAsync(IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var apps = new List<JsonNode>();
        foreach (var id in ids.Order(StringComparer.Ordinal))
        {
            if ((await _api.FindAsync(ApiClient.AppPath(id), cancellationToken))?["app"] is { } app)
            {
                apps.Add(app);
            }
            else if (await _api.FindAsync(ApiClient.PodPath(id) + "::status", cancellationToken) is { } pod)
            {
                apps.Add(PodProgress.AsApp(pod));
            }
        }
        return apps;
    }

    /// <param name="reason">Null when it succeeded.</param>
    private bool Ended(string deploymentId, out string? reason)
    {
        lock (_ended)
        {
            return _ended.TryGetValue(deploymentId, out reason);
        }
    }

    private async Task ReadEventsAsync(EventStream events)
    {
        try
        {
            await foreach (var happened in events.ReadAsync(_stop.Token))
            {
                if (happened.Type is "deployment_success" or "deployment_failed")
                {
                    lock (_ended)
                    {
                        _ended[happened.Data.Text("id")] = happened.Type == "deployment_success" ? null : happened.Data.Text("reason", "it was cancelled.");
                    }
                }
                Wake();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed: nobody waits any more.
        }
        Wake();
    }

    private void Wake()
    {
        if (_woken.CurrentCount == 0)
        {
            _woken.Release();
        }
    }
}
