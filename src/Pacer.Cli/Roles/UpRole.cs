using System.Net.Sockets;
using System.Text.Json.Nodes;
using Pacer.Agent;
using Pacer.Cli.Client;
using Pacer.Cli.Output;
using Pacer.Server;

namespace Pacer.Cli.Roles;

/// <summary>
/// Server, agent, DNS and load balancer in one process. They speak over the data directory's socket and the REST API, with the contracts that cross
/// machines too.
/// </summary>
/// <param name="dns">Null: no DNS.</param>
/// <param name="lb">Null: no load balancer.</param>
internal sealed class UpRole(Surroundings surroundings, ServerOptions serverOptions, AgentOptions agentOptions, DnsRole? dns, LbRole? lb)
{
    private readonly Terminal _terminal = surroundings.Terminal;

    public async Task<int> RunAsync(IReadOnlyList<(string File, JsonObject App)> apps, StopSignal stop)
    {
        var dataDirectory = serverOptions.DataDir;
        using var serverLock = RoleLock.Take(dataDirectory, RoleLock.Server, "up");
        using var agentLock = RoleLock.Take(dataDirectory, RoleLock.Agent, "up");

        await using var server = await RoleStart.ServerAsync(serverOptions, stop.Token);
        var http = "http://" + server.HttpAddress;
        serverLock.Write(http);
        await using var agent = await RoleStart.AgentAsync(agentOptions with { Join = "unix:" + server.AgentSocketPath }, stop.Token);

        using var api = new ApiClient(http, _terminal);
        await WaitForNodeAsync(api, agent.AgentId, stop.Token);
        _terminal.Line($"Pacer is up: {http} (state in {dataDirectory})");
        if (agent.LiveTasks is var takenOver and > 0)
        {
            _terminal.Line($"Took over {(takenOver == 1 ? "1 container" : $"{takenOver} containers")} from before.");
        }
        if (agent.MissingIsolation is { } missing)
        {
            _terminal.Line("note: " + missing);
        }
        else if (agent.MissingNetworks is { } reason)
        {
            _terminal.Line("note: " + reason);
        }

        if (agent.UserSpaceVips is { } why)
        {
            _terminal.Line($"note: virtual IPs pass through this process instead of the kernel: {why}");
        }

        await using var names = dns is null ? null : await dns.StartAsync(api.Server, agent.ResolverAddress);
        if (names?.Addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) is { } dnsAddress)
        {
            await agent.UseDnsAsync(dnsAddress, names.ResolverAddress);
        }
        await using var balancer = lb is null ? null : await lb.StartAsync(api.Server);
        try
        {
            await new FirstApps(surroundings, api).DeployAsync(apps, stop.Token);
        }
        catch (CliException exception) when (!stop.Token.IsCancellationRequested)
        {
            _terminal.ErrorLine("pacer: " + exception.Message); // the cluster is up all the same
        }
        catch (Exception exception) when (stop.Token.IsCancellationRequested && exception is OperationCanceledException or CliException)
        {
            // Asked to stop while deploying: what was accepted goes on at the next start.
        }

        if (!stop.Token.IsCancellationRequested)
        {
            ShowNext(http, apps);
            await stop.WaitAsync();
        }

        if (stop.HandsOver)
        {
            balancer?.LeaveHaproxy();
        }
        var running = agent.LiveTasks;
        await agent.StopAsync();
        await server.StopAsync(CancellationToken.None);
        RoleStart.TellOfRecording(_terminal, server, serverOptions);
        _terminal.Line(running == 0
            ? "Pacer ended. No containers are running."
            : $"Pacer ended. {Containers(running)} running; '{Self} up' takes {(running == 1 ? "it" : "them")} over again, '{Self} down' stops {(running == 1 ? "it" : "them")}.");
        return ExitCode.Ok;
    }

    // Up means that tasks can be placed. A machine that is very busy is told of its node a little later.
    private static async Task WaitForNodeAsync(ApiClient api, string agentId, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            while ((await api.GetAsync("v2/nodes", patience.Token)).Items("nodes").All(node => node.Text("id") != agentId || node.Text("state") != "connected"))
            {
                await Task.Delay(10, patience.Token);
            }
        }
        catch (Exception exception) when (patience.IsCancellationRequested && exception is OperationCanceledException or CliException)
        {
            // It goes on without: what is deployed waits for the node.
        }
    }

    private void ShowNext(string http, IReadOnlyList<(string File, JsonObject App)> apps)
    {
        _terminal.Line("Next, in another terminal:");
        if (http != Commands.ApiOptions.DefaultServer)
        {
            _terminal.Line($"  export PACER_SERVER={http}");
        }
        if (apps.Count == 0)
        {
            _terminal.Line($"  {Self} app add examples/hello.json");
        }
        else
        {
            var id = apps[0].App["id"]!.GetValue<string>().Trim('/');
            _terminal.Line($"  {Self} app list");
            if (AppFile.IsGroup(apps[0].App))
            {
                _terminal.Line($"  {Self} group show {id}");
                _terminal.Line($"  curl {http}/v2/groups/{id}");
            }
            else
            {
                _terminal.Line($"  {Self} task log {id} --follow");
                _terminal.Line($"  curl {http}/v2/apps/{id}");
            }
        }
        _terminal.Line("Ctrl-C ends Pacer and leaves containers running.");
    }

    /// <summary>How the user called us: <c>./pacer</c> in a clone, so that the hints can be pasted.</summary>
    private static string Self => Environment.GetEnvironmentVariable("PACER_COMMAND") is { Length: > 0 } name ? name : "pacer";

    private static string Containers(int count) => count == 1 ? "1 container keeps" : $"{count} containers keep";
}
