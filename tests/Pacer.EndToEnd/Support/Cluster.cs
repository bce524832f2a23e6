using System.Net;
using System.Net.Sockets;

namespace Pacer.EndToEnd.Support;

/// <summary>One 'pacer up' with a data directory and ports of its own. Disposing takes everything down and checks that nothing is left.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private static int _number;

    private readonly List<string> _flags;
    private Api? _api;

    private Cluster(string dataDirectory, IEnumerable<string> flags)
    {
        DataDirectory = dataDirectory;
        _flags = [.. flags];
        Machine = new Machine(dataDirectory);
    }

    public string DataDirectory { get; }

    public Machine Machine { get; }

    /// <summary>The first of the ports for its tasks.</summary>
    public int FirstPort { get; private set; }

    public PacerProcess Up { get; private set; } = null!;

    public Api Api => _api!;

    public static async Task<Cluster> StartAsync(params string[] flags)
    {
        var cluster = new Cluster(Directory.CreateTempSubdirectory("pacer-e2e-").FullName, flags);
        await cluster.StartAgainAsync();
        return cluster;
    }

    /// <summary>Ports for tasks that no other cluster of this run uses.</summary>
    public static string PortRange()
    {
        var first = 20000 + Interlocked.Increment(ref _number) % 40 * 200;
        return $"{first}-{first + 199}";
    }

    /// <summary>Starts it; after the first time on the same port, so that clients find it again.</summary>
    public async Task StartAgainAsync()
    {
        var http = _api is null ? "127.0.0.1:0" : new Uri(_api.Url).Authority;
        if (_api is null)
        {
            var ports = PortRange();
            FirstPort = int.Parse(ports.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);
            _flags.AddRange(["--ports", ports]);
        }
        Up = PacerProcess.Start(["up", "--http", http, "--data-dir", DataDirectory, .. _flags]);
        var url = await Up.WaitForAsync(@"Pacer is up: (http://\S+)");
        _api ??= new Api(url);
    }

    public Task<CommandOutput> PacerAsync(params string[] arguments) => PacerProgram.RunAsync(Api.Url, "", arguments);

    public Task<CommandOutput> PacerWithInputAsync(string input, params string[] arguments) => PacerProgram.RunAsync(Api.Url, input, arguments);

    /// <summary>What the API says runs is what runs: nothing lost, doubled or leaked.</summary>
    public async Task CheckMachineAsync()
    {
        IReadOnlyList<string> told = [], found = [];
        await Api.Until(async () =>
        {
            told = await Api.TasksAsync("TASK_RUNNING");
            found = Machine.RunningTasks();
            return told.SequenceEqual(found);
        }, "the machine runs what the API says", () => Task.FromResult($"API: {string.Join(", ", told)}\nmachine: {string.Join(", ", found)}"));
    }

    public async ValueTask DisposeAsync()
    {
        var down = await PacerProgram.RunAsync(null, "", "down", "--data-dir", DataDirectory);
        _api?.Dispose();
        Up.Dispose();
        down.Expect(0);
        Assert.Empty(Machine.Leftovers());
        Directory.Delete(DataDirectory, true);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
