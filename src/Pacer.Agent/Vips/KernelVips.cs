using System.Globalization;
using Pacer.Agent.Networks;

namespace Pacer.Agent.Vips;

/// <summary>
/// Virtual IPs by nftables. What an earlier agent of the same work directory made stays in force until the first plan, which is written
/// over it in one transaction; so connections are led on while the agent, or the server, is away.
/// </summary>
internal sealed class KernelVips(NetworkTools tools, NetworkNaming naming) : IVipPath
{
    // Marks our routes in the kernel's table of local addresses, together with a metric that differs from agent to agent.
    private const string RouteProtocol = "187";

    private readonly string _table = naming.VipTable;
    private readonly string _metric = naming.RouteMetric.ToString(CultureInfo.InvariantCulture);
    private VipPlan? _written;
    private HashSet<string>? _routes;
    private bool _clean;

    /// <summary>Why this machine can't, in words; null when it can.</summary>
    public static async Task<string?> UnavailableAsync(NetworkTools tools, NetworkNaming naming)
    {
        if (Containers.Native.Libc.GetUid() != 0)
        {
            return "the agent is not root";
        }
        if (NetworkTools.Missing() is { } missing)
        {
            return $"not installed: {missing}";
        }
        var probe = await tools.RunAsync("nft", ["-c", "-f", "-"], VipScript.Whole(naming.VipTable, VipPlan.Empty)).ConfigureAwait(false);
        return probe.Code == 0 ? null : $"nftables refuses ({probe.Trouble})";
    }

    /// <summary>Removes what an agent left that is no more.</summary>
    public static async Task RemoveLeftAsync(NetworkTools tools, NetworkNaming naming)
    {
        if (Containers.Native.Libc.GetUid() == 0 && NetworkTools.Missing() is null)
        {
            try
            {
                await new KernelVips(tools, naming).RemoveAsync().ConfigureAwait(false);
            }
            catch (IOException)
            {
                // No nftables here, so nothing is in it.
            }
        }
    }

    public async Task ApplyAsync(VipPlan plan)
    {
        if (_written is null && plan.Targets.IsEmpty)
        {
            // Nothing is asked for; what an earlier agent left is not either.
            await RemoveAsync().ConfigureAwait(false);
            return;
        }
        _clean = false;
        await RouteAsync(plan).ConfigureAwait(false);
        var before = _written ?? VipPlan.Empty;
        var change = VipChange.Between(before, plan);
        if (_written is null || !change.IsEmpty)
        {
            var script = _written is null ? null : VipScript.Change(_table, before, change);
            if (script is null || (script.Length > 0 && !await tools.TryAsync("nft", ["-f", "-"], script).ConfigureAwait(false)))
            {
                await tools.DemandAsync("nft", ["-f", "-"], VipScript.Whole(_table, plan)).ConfigureAwait(false);
            }
            _written = plan;
            foreach (var flow in StaleFlow.After(before, plan))
            {
                await tools.ForgetFlowsAsync(flow.Arguments).ConfigureAwait(false);
            }
        }
    }

    public async Task CheckAsync()
    {
        if (_written is { Targets.IsEmpty: false } plan)
        {
            _routes = null;
            await RouteAsync(plan).ConfigureAwait(false);
            if (!await tools.TryAsync("nft", ["list", "chain", "inet", _table, "translate"]).ConfigureAwait(false))
            {
                await tools.DemandAsync("nft", ["-f", "-"], VipScript.Whole(_table, plan)).ConfigureAwait(false);
            }
        }
    }

    public async Task RemoveAsync()
    {
        if (_clean)
        {
            return;
        }
        await tools.DemandAsync("nft", ["-f", "-"], VipScript.Remove(_table)).ConfigureAwait(false);
        _written = null;
        await RouteAsync(VipPlan.Empty).ConfigureAwait(false);
        _clean = true;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task RouteAsync(VipPlan plan)
    {
        _routes ??= [.. await OwnRoutesAsync().ConfigureAwait(false)];
        var wanted = plan.Routes;
        foreach (var route in wanted.Where(route => !_routes.Contains(route)).ToList())
        {
            // An address that the machine has itself needs none, and keeps its own.
            await tools.RunAsync("ip", Route("add", route)).ConfigureAwait(false);
            _routes.Add(route);
        }
        foreach (var route in _routes.Where(route => !wanted.Contains(route)).ToList())
        {
            await tools.RunAsync("ip", Route("del", route)).ConfigureAwait(false);
            _routes.Remove(route);
        }
    }

    private string[] Route(string verb, string route) =>
        [route.Contains(':', StringComparison.Ordinal) ? "-6" : "-4", "route", verb, "local", route, "dev", "lo", "table", "local", "proto", RouteProtocol, "metric", _metric];

    private async Task<IReadOnlyList<string>> OwnRoutesAsync()
    {
        var own = new List<string>();
        foreach (var (family, longest) in new[] { ("-4", "/32"), ("-6", "/128") })
        {
            var listed = await tools.RunAsync("ip", [family, "route", "show", "table", "local", "proto", RouteProtocol]).ConfigureAwait(false);
            foreach (var line in listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words is ["local", var to, ..] && Array.IndexOf(words, "metric") is var at and > 0 && at + 1 < words.Length && words[at + 1] == _metric)
                {
                    own.Add(to.Contains('/', StringComparison.Ordinal) ? to : to + longest);
                }
            }
        }
        return own;
    }
}
