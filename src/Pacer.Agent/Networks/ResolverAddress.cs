using System.Globalization;
using System.Net;
using System.Text;

namespace Pacer.Agent.Networks;

/// <summary>Where questions to the resolver's address go. Null: to whom listens there.</summary>
/// <param name="OfNode">Those of processes in the node's network.</param>
/// <param name="OfOthers">Those that come in from elsewhere: from Docker's bridges, say.</param>
internal readonly record struct ResolverTargets(IPEndPoint? OfNode, IPEndPoint? OfOthers);

/// <summary>What a container needs that is to ask it.</summary>
/// <param name="File">To be mounted as /etc/resolv.conf.</param>
/// <param name="ForOthers">Containers in networks that are not the agent's find Pacer's names there too.</param>
internal sealed record ResolverPlace(string Address, string File, bool ForOthers);

/// <summary>
/// An address of the node that containers ask for names: those in its own network and on Docker's bridges. It is in their resolv.conf for good; who
/// answers there is for the kernel's rules to say. Made with the first container that needs it.
/// </summary>
internal sealed class ResolverAddress(NetworkTools tools, NetworkNaming naming, string runDir)
{
    // Another number than that of virtual IPs' routes, so that neither takes the other's for its own.
    private const string RouteProtocol = "188";

    private readonly SemaphoreSlim _gate = new(1);
    private readonly string _folder = Path.Combine(runDir, "resolver");
    private ResolverTargets _targets;

    /// <summary>It is there, as far as we know.</summary>
    public bool IsMade { get; private set; }

    /// <summary>It is there, or an earlier agent began to make it.</summary>
    public bool WasMade => Directory.Exists(_folder);

    private string File => Path.Combine(_folder, "resolv.conf");

    /// <summary>The file that names it, and the address itself if it is not yet there.</summary>
    /// <exception cref="IOException">It can't be had.</exception>
    public Task<string> MakeAsync(ResolverTargets targets) => WithGateAsync(async () =>
    {
        // Recorded before it is made.
        WriteFile();
        if (!IsMade)
        {
            _targets = targets;
            await WriteAsync().ConfigureAwait(false);
            IsMade = true;
        }
        return File;
    });

    /// <summary>Leads questions elsewhere.</summary>
    public Task SetAsync(ResolverTargets targets) => WithGateAsync(async () =>
    {
        if (IsMade && _targets != targets)
        {
            _targets = targets;
            await tools.DemandAsync("nft", ["-f", "-"], Script(naming, targets)).ConfigureAwait(false);
            // Else a resolver that keeps its port goes on asking the one before.
            await tools.ForgetFlowsAsync(["-p", "udp", "--orig-dst", naming.ResolverAddress.ToString()]).ConfigureAwait(false);
        }
        return 0;
    });

    /// <summary>Makes it again if others have removed it.</summary>
    public Task EnsureAsync() => WithGateAsync(async () =>
    {
        if (IsMade && (!await tools.TryAsync("nft", ["list", "table", "ip", naming.ResolverTable]).ConfigureAwait(false)
            || !(await tools.RunAsync("ip", Route("show")).ConfigureAwait(false)).Output.Contains(naming.ResolverAddress.ToString(), StringComparison.Ordinal)))
        {
            await WriteAsync().ConfigureAwait(false);
        }
        return 0;
    });

    /// <summary>To be called when no container is left that asks it.</summary>
    public Task RemoveAsync() => WithGateAsync(async () =>
    {
        if (WasMade)
        {
            var table = naming.ResolverTable;
            await tools.DemandAsync("nft", ["-f", "-"], string.Create(CultureInfo.InvariantCulture, $"table ip {table}\ndelete table ip {table}\n")).ConfigureAwait(false);
            await tools.RunAsync("ip", Route("del")).ConfigureAwait(false);
            IsMade = false;
            Directory.Delete(_folder, recursive: true);
        }
        return 0;
    });

    /// <summary>The whole table, whatever was there before. Pure.</summary>
    /// <remarks>It comes before the agent's other chains and those of others: a connection is translated once.</remarks>
    public static string Script(NetworkNaming naming, ResolverTargets targets)
    {
        var (table, address) = (naming.ResolverTable, naming.ResolverAddress);
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $$"""
            table ip {{table}}
            delete table ip {{table}}
            table ip {{table}} {
              chain prerouting {
                type nat hook prerouting priority -106; policy accept;
                {{Rule(targets.OfOthers)}}
              }
              chain output {
                type nat hook output priority -106; policy accept;
                {{Rule(targets.OfNode)}}
              }
              chain postrouting {
                type nat hook postrouting priority 94; policy accept;
                ct status dnat ct original ip daddr {{address}} oifname "lo" snat ip to ip daddr
                ip saddr {{address}} ct status dnat masquerade
              }
            }

            """);
        return script.ToString();

        string Rule(IPEndPoint? target) => target is null ? ""
            : string.Create(CultureInfo.InvariantCulture, $"ip daddr {address} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {target.Address}:{target.Port}");
    }

    private async Task WriteAsync()
    {
        await tools.DemandAsync("ip", Route("replace")).ConfigureAwait(false);
        await tools.DemandAsync("nft", ["-f", "-"], Script(naming, _targets)).ConfigureAwait(false);
    }

    // The metric makes it this agent's own, should another have the same address.
    private string[] Route(string verb) =>
    [
        "-4", "route", verb, "local", naming.ResolverAddress + "/32", "dev", "lo", "table", "local", "proto", RouteProtocol,
        "metric", naming.RouteMetric.ToString(CultureInfo.InvariantCulture),
    ];

    // In place, and only when it changes: containers that run have this file mounted.
    private void WriteFile()
    {
        var text = ContainerDns.Resolv(NodeResolver.Read(), naming.ResolverAddress.ToString());
        if (!System.IO.File.Exists(File) || System.IO.File.ReadAllText(File) != text)
        {
            Directory.CreateDirectory(_folder);
            System.IO.File.WriteAllBytes(File, Encoding.UTF8.GetBytes(text));
            System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    private async Task<T> WithGateAsync<T>(Func<Task<T>> work)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        finally
        {
            _gate.Release();
        }
    }
}
