using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Networks;

/// <summary>
/// A network namespace that stands for the machine, with another machine beside it, so that nothing of the real machine's network is
/// touched but names in /run/netns. Removes all of it, and checks that agents left nothing.
/// </summary>
internal sealed class NetworkLab : IAsyncDisposable
{
    public const string MachineAddress = "198.51.100.1";

    private static int _last;
    private readonly List<NodeNetworks> _agents = [];

    private NetworkLab(string name)
    {
        Machine = name;
        Directory = $"/tmp/pacer-networks-{name}";
        Tools = new NetworkTools(NetworkNaming.NamespacePath(name));
    }

    /// <summary>Names of the two namespaces.</summary>
    public string Machine { get; }

    public string Remote => Machine + "r";

    public string Directory { get; }

    public NetworkTools Tools { get; }

    public string MachinePath => NetworkNaming.NamespacePath(Machine);

    public string RemotePath => NetworkNaming.NamespacePath(Remote);

    public static async Task<NetworkLab> CreateAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipWhen(NetworkTools.Missing() is not null, $"needs {NetworkTools.Missing()}");
        var lab = new NetworkLab($"ptm{Environment.ProcessId}x{Interlocked.Increment(ref _last)}");
        System.IO.Directory.CreateDirectory(lab.Directory);
        var real = new NetworkTools();
        var made = await real.RunAsync("ip", ["-batch", "-"], $"""
            netns add {lab.Machine}
            netns add {lab.Remote}

            """);
        Assert.SkipWhen(made.Code != 0, $"network namespaces are refused: {made.Trouble}");
        await lab.Tools.DemandAsync("ip", ["-batch", "-"], $"""
            link set lo up
            link add up0 type veth peer name up0 netns {lab.Remote}
            addr add {MachineAddress}/24 dev up0
            link set up0 up

            """);
        await real.DemandAsync("ip", ["-n", lab.Remote, "-batch", "-"], """
            link set lo up
            addr add 198.51.100.2/24 dev up0
            link set up0 up

            """);
        return lab;
    }

    public AgentOptions Options(int number = 1) => new() { Join = "unix:/none", WorkDir = $"{Directory}/work{number}", RunDir = $"{Directory}/run{number}" };

    /// <summary>An agent's networks, as after its start.</summary>
    public async Task<NodeNetworks> AgentAsync(AgentOptions? options = null, params string[] known)
    {
        var networks = await NodeNetworks.OpenAsync(NetworkSettings.Of(options ?? Options()), Tools, null, NullLogger.Instance);
        Assert.Null(networks.Unavailable);
        await networks.ReconcileAsync(known.ToHashSet());
        _agents.Add(networks);
        return networks;
    }

    public static NetworkRequest Request(string id, params WantedPort[] ports) => On(id, [NetworkNaming.BridgeNetwork], ports);

    public static NetworkRequest On(string id, string[] networks, params WantedPort[] ports) =>
        new(id, id, [.. networks.Select(name => new WantedNetwork(name, new Dictionary<string, string>()))], ports, id);

    public static WantedPort Port(int hostPort, int containerPort, string protocol = "tcp", string? network = null) => new(hostPort, containerPort, protocol, network);

    /// <summary>A server in a namespace that answers each connection and each datagram with its name and who asked.</summary>
    public static Task<IAsyncDisposable> ServeAsync(NetworkPlace place, int port, string name) => ServeAsync(place.NamespacePath, port, name);

    public static async Task<IAsyncDisposable> ServeAsync(string namespacePath, int port, string name, IPAddress? address = null)
    {
        var tcp = await NamespaceSocket.OpenAsync(namespacePath, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var udp = await NamespaceSocket.OpenAsync(namespacePath, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        tcp.Bind(new IPEndPoint(address ?? IPAddress.Any, port));
        tcp.Listen();
        udp.Bind(new IPEndPoint(address ?? IPAddress.Any, port));
        var serving = Task.WhenAll(TcpAsync(), UdpAsync());
        return new Server(tcp, udp, serving);

        async Task TcpAsync()
        {
            while (true)
            {
                using var connection = await tcp.AcceptAsync();
                await connection.SendAsync(Encoding.ASCII.GetBytes($"{name} {((IPEndPoint)connection.RemoteEndPoint!).Address}"));
            }
        }

        async Task UdpAsync()
        {
            var buffer = new byte[100];
            while (true)
            {
                var got = await udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                await udp.SendToAsync(Encoding.ASCII.GetBytes($"{name} {((IPEndPoint)got.RemoteEndPoint).Address}"), got.RemoteEndPoint);
            }
        }
    }

    /// <summary>What the server there answers to a client in a namespace; null: nothing, or a refusal.</summary>
    public static async Task<string?> AskAsync(string? fromNamespace, string address, int port, ProtocolType protocol = ProtocolType.Tcp, int patienceMs = 3000)
    {
        using var socket = await NamespaceSocket.OpenAsync(
            fromNamespace, AddressFamily.InterNetwork, protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol);
        using var limit = new CancellationTokenSource(patienceMs);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), limit.Token);
            if (protocol == ProtocolType.Udp)
            {
                await socket.SendAsync("?"u8.ToArray(), limit.Token);
            }
            var buffer = new byte[100];
            return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, limit.Token));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>All that carries an agent's name: interfaces, namespaces, rules and files.</summary>
    public async Task<IReadOnlyList<string>> TracesAsync(AgentOptions options)
    {
        var naming = new NetworkNaming(options.WorkDir);
        var traces = new List<string>();
        traces.AddRange((await Tools.LinksAsync()).Where(link => link.StartsWith(naming.Prefix, StringComparison.Ordinal)));
        traces.AddRange(System.IO.Directory.EnumerateFiles("/run/netns", naming.Prefix + "-*"));
        traces.AddRange((await Tools.RunAsync("nft", ["list", "ruleset"])).Output.Split('\n').Where(line => line.Contains(naming.Prefix, StringComparison.Ordinal)));
        traces.AddRange((await Tools.RunAsync("ip", ["addr"])).Output.Split('\n').Where(line => line.Contains(naming.Prefix, StringComparison.Ordinal)));
        if (System.IO.Directory.Exists($"{options.RunDir}/networks"))
        {
            traces.AddRange(System.IO.Directory.EnumerateFileSystemEntries($"{options.RunDir}/networks"));
        }
        return traces;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var number in Enumerable.Range(1, 2))
        {
            await (await AgentAsync(Options(number))).DisposeAsync();
        }
        var left = (await TracesAsync(Options(1))).Concat(await TracesAsync(Options(2))).ToList();
        await new NetworkTools().RunAsync("ip", ["-force", "-batch", "-"], $"netns del {Machine}\nnetns del {Remote}\n");
        System.IO.Directory.Delete(Directory, true);
        Assert.Empty(left);
    }

    private sealed class Server(Socket tcp, Socket udp, Task serving) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            tcp.Dispose();
            udp.Dispose();
            await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
