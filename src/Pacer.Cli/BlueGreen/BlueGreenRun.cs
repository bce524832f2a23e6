using System.Diagnostics;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.BlueGreen;

/// <param name="Balancers">All of them must agree before the next step.</param>
/// <param name="Pause">Between steps.</param>
/// <param name="Hook">A program that is asked before instances of the old version end; null: none.</param>
/// <param name="GoOn">What the user gives to go on later: a file or an id.</param>
internal sealed record RunOptions(IReadOnlyList<string> Balancers, TimeSpan Pause, string? Hook, string GoOn);

/// <summary>Does what <see cref="Steps"/> decides, until there is nothing left to do.</summary>
internal sealed class BlueGreenRun(ApiClient api, BalancerClient balancers, Terminal terminal, TimeProvider time, RunOptions options, AppVersions versions)
{
    /// <summary>How long the server or a balancer may be away.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly HashSet<string> _ended = new(StringComparer.Ordinal);
    private JsonNode? _old = versions.Old;
    private JsonNode? _new = versions.New;
    private long _since = time.GetTimestamp();
    private int _serving = -1;
    private string? _trouble;

    /// <summary>Both versions go on serving when this ends early; the message says how to go on.</summary>
    /// <param name="back">To the old version instead of the new.</param>
    public async Task RunAsync(Plan plan, bool back, CancellationToken cancellationToken)
    {
        try
        {
            await StepsAsync(plan, back, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Interrupted, $"Stopped. {Standing()} {HowToGoOn()}");
        }
        catch (CliException exception) when (exception.ExitCode is ExitCode.Refused or ExitCode.Unreachable)
        {
            throw new CliException(exception.ExitCode, $"{exception.Message}\n{Standing()} {HowToGoOn()}");
        }
    }

    private async Task StepsAsync(Plan plan, bool back, CancellationToken cancellationToken)
    {
        string? because = null;
        while (true)
        {
            var seen = await SeeAsync(cancellationToken);
            var step = back ? Steps.Back(plan, seen) : Steps.Forward(plan, seen);
            if (step is Step.Held or Step.Done)
            {
                await SettleAsync(_old, plan.Timeout, cancellationToken);
                await SettleAsync(_new, plan.Timeout, cancellationToken);
            }
            switch (step)
            {
                case Step.Wait wait:
                    terminal.Live(wait.For);
                    await Task.Delay(Poll, time, cancellationToken);
                    continue;
                case Step.Stop stop:
                    throw new CliException(ExitCode.DeploymentFailed, $"{stop.Because}\n{Standing()} {(_old is not null && _new is not null ? HowToGoOn() : "")}".TrimEnd());
                case Step.Held:
                    terminal.Line($"{Standing()} Finish: pacer app deploy --complete {options.GoOn}. Take it back: pacer app deploy --rollback {options.GoOn}.");
                    return;
                case Step.Done when back:
                    terminal.Line($"{_old.Text("id")} serves alone again.");
                    if (because is not null)
                    {
                        throw new CliException(ExitCode.DeploymentFailed, $"Rolled back: {because}");
                    }
                    return;
                case Step.Done:
                    terminal.Line($"{_new.Text("id")} serves alone.");
                    return;
                case Step.TakeBack takeBack:
                    terminal.Line($"{takeBack.Because}. Going back to {_old.Text("id")}.");
                    (back, because) = (true, takeBack.Because);
                    break;
                default:
                    await DoAsync(step, plan, cancellationToken);
                    break;
            }
            _since = time.GetTimestamp();
            _serving = -1;
        }
    }

    private async Task DoAsync(Step step, Plan plan, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case Step.ScaleNew scale:
                await ScaleAsync(_new!, scale.Instances, plan.Timeout, cancellationToken);
                break;
            case Step.ScaleOld scale:
                await ScaleAsync(_old!, scale.Instances, plan.Timeout, cancellationToken);
                break;
            case Step.Retire retire:
                await AskHookAsync(retire.Tasks, cancellationToken);
                await SettleAsync(_old, plan.Timeout, cancellationToken);
                terminal.Line($"{_old.Text("id")}: {retire.Tasks.Count} of {_old.Count("instances")} instances end");
                _ended.UnionWith(retire.Tasks);
                await api.SendAsync(HttpMethod.Post, "v2/tasks/delete?scale=true", new JsonObject { ["ids"] = new JsonArray([.. retire.Tasks.Select(id => (JsonNode)id)]) }, cancellationToken);
                await Task.Delay(options.Pause, time, cancellationToken);
                break;
            case Step.RemoveOld remove:
                await AskHookAsync(remove.Tasks, cancellationToken);
                await SettleAsync(_old, plan.Timeout, cancellationToken);
                await RemoveAsync(_old!, plan.Timeout, cancellationToken);
                break;
            case Step.RemoveNew:
                await RemoveAsync(_new!, plan.Timeout, cancellationToken);
                break;
            default:
                throw new UnreachableException(step.ToString());
        }
    }

    private async Task<Seen> SeeAsync(CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        while (true)
        {
            try
            {
                _old = await ReadAsync(_old, cancellationToken);
                _new = await ReadAsync(_new, cancellationToken);
                var pages = new List<JsonNode>();
                foreach (var address in options.Balancers)
                {
                    pages.Add(await balancers.ReadAsync(address, cancellationToken));
                }
                var sight = new BalancerSight(pages, versions.Service);
                var (old, @new) = (_old is null ? null : sight.See(_old, _ended), _new is null ? null : sight.See(_new, _ended));
                if (@new is not null && @new.Serving > _serving)
                {
                    (_serving, _since) = (@new.Serving, time.GetTimestamp());
                }
                if (_new is not null)
                {
                    _trouble = DeploymentProgress.LastFailure(_new) ?? (@new!.Running.Count > 0 && !sight.Knows(@new.Running)
                        ? $"a load balancer does not publish {@new.Id}; 'pacer lb status' shows what it does" : null);
                }
                return new Seen(old, @new, time.GetElapsedTime(_since), _trouble);
            }
            catch (CliException exception) when (exception.ExitCode == ExitCode.Unreachable && time.GetElapsedTime(asked) < Patience)
            {
                // The server or a balancer is being started again; meanwhile nothing changes.
                terminal.Live(exception.Message.Split('\n')[0]);
                await Task.Delay(Poll, time, cancellationToken);
            }
        }
    }

    private async Task<JsonNode?> ReadAsync(JsonNode? app, CancellationToken cancellationToken) =>
        app is null ? null : (await api.FindAsync(ApiClient.AppPath(app.Text("id")), cancellationToken))?["app"];

    private async Task ScaleAsync(JsonNode app, int instances, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await SettleAsync(app, timeout, cancellationToken);
        terminal.Line($"{app.Text("id")}: {app.Count("instances")} → {instances} instances");
        await api.SendAsync(HttpMethod.Patch, ApiClient.AppPath(app.Text("id")), new JsonObject { ["instances"] = instances }, cancellationToken);
    }

    /// <summary>The deployment of the step before holds the app a moment longer than its instances need.</summary>
    private async Task SettleAsync(JsonNode? app, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        while ((await ReadAsync(app, cancellationToken)).Items("deployments").Any() && time.GetElapsedTime(since) < timeout)
        {
            await Task.Delay(Poll / 4, time, cancellationToken);
        }
    }

    private async Task RemoveAsync(JsonNode app, TimeSpan timeout, CancellationToken cancellationToken)
    {
        terminal.Line($"{app.Text("id")}: removed");
        var removal = await api.SendAsync(HttpMethod.Delete, ApiClient.AppPath(app.Text("id")) + "?force=true", null, cancellationToken);
        var since = time.GetTimestamp();
        // The app is gone at once, its instances when they have ended; until then its id can't be used again.
        while ((await api.GetAsync("v2/deployments", cancellationToken) as JsonArray ?? []).Any(deployment => deployment.Text("id") == removal.DeploymentId))
        {
            if (time.GetElapsedTime(since) > timeout)
            {
                throw new CliException(ExitCode.DeploymentFailed, $"{app.Text("id")} is not gone after {JsonText.Short(timeout.TotalSeconds)} s; its removal goes on: pacer deployment list.");
            }
            await Task.Delay(Poll / 4, time, cancellationToken);
        }
    }

    private async Task AskHookAsync(IReadOnlyList<string> tasks, CancellationToken cancellationToken)
    {
        if (options.Hook is null)
        {
            return;
        }
        var ids = new JsonArray([.. tasks.Select(id => (JsonNode)id)]);
        var start = new ProcessStartInfo(options.Hook, [JsonText.OneLine(_old), JsonText.OneLine(ids), JsonText.OneLine(_new)]);
        try
        {
            using var hook = Process.Start(start)!;
            await hook.WaitForExitAsync(cancellationToken);
            if (hook.ExitCode != 0)
            {
                throw new CliException(ExitCode.Refused, $"--pre-kill-hook {options.Hook} ended with {hook.ExitCode}: {_old.Text("id")} keeps its instances.");
            }
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new CliException(ExitCode.Refused, $"--pre-kill-hook {options.Hook} can't be started ({exception.Message}).");
        }
    }

    private string Standing()
    {
        var parts = new[] { _old, _new }.OfType<JsonNode>().Select(app => $"{app.Text("id")} has {app.Count("instances")} instance{(app.Count("instances") == 1 ? "" : "s")}").ToList();
        return string.Join(", ", parts) + (parts.Count == 2 ? "; both versions are there." : ".");
    }

    private string HowToGoOn() => $"Go on: pacer app deploy --resume {options.GoOn}. Take it back: pacer app deploy --rollback {options.GoOn}.";
}
