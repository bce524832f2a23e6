using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Pacer.Bench;

/// <summary>
/// A Docker daemon as Docker's defaults make it, but in a network namespace of its own: its bridges, firewall rules and swarm touch nothing
/// of the machine's.
/// </summary>
internal sealed class PrivateDocker : IAsyncDisposable
{
    private const string Daemon = "/usr/sbin/dockerd";
    private const string Client = "/usr/bin/docker";

    private readonly string _root = $"/var/tmp/pacer-bench-docker-{Environment.ProcessId}";
    private readonly string _cgroup = $"/pacer-bench-docker-{Environment.ProcessId}";
    private readonly bool _hadPlugins = Directory.Exists("/run/docker");
    private readonly HttpClient _http;
    private Process? _process;

    private PrivateDocker() => _http = new HttpClient(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_root + "/docker.sock"), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://docker"),
        Timeout = TimeSpan.FromMinutes(5),
    };

    public static bool IsPossible => File.Exists(Daemon) && File.Exists(Client) && File.Exists(LocalRegistry.Program);

    public string NetworkNamespace { get; } = $"pacer-bench-{Environment.ProcessId}";

    public static async Task<PrivateDocker> StartAsync(CancellationToken cancellationToken)
    {
        var docker = new PrivateDocker();
        try
        {
            Directory.CreateDirectory(docker._root);
            await File.WriteAllTextAsync($"{docker._root}/daemon.json", $$"""{"deprecated-key-path":"{{docker._root}}/key.json"}""", cancellationToken);
            await RunAsync("ip", "netns", "add", docker.NetworkNamespace);
            await RunAsync("ip", "-n", docker.NetworkNamespace, "link", "set", "lo", "up");
            docker._process = Process.Start("/bin/sh", ["-c",
                $"exec setsid nsenter --net=/run/netns/{docker.NetworkNamespace} {Daemon} --config-file {docker._root}/daemon.json --host unix://{docker._root}/docker.sock"
                + $" --data-root {docker._root}/data --exec-root {docker._root}/exec --pidfile {docker._root}/pid --cgroup-parent {docker._cgroup} >>{docker._root}/log 2>&1 </dev/null"]);
            for (var patience = 0; ; patience++)
            {
                if (docker._process.HasExited || patience > 600)
                {
                    throw new InvalidOperationException($"dockerd does not start: {File.ReadLines($"{docker._root}/log").LastOrDefault()}");
                }
                try
                {
                    using var answer = await docker._http.GetAsync("/_ping", cancellationToken);
                    return docker;
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(50, cancellationToken);
                }
            }
        }
        catch
        {
            await docker.DisposeAsync();
            throw;
        }
    }

    /// <summary><c>docker ARGUMENTS</c>; returns how long it took and the last line it wrote.</summary>
    public async Task<(TimeSpan Took, string Output)> ClientAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Client, ["-H", $"unix://{_root}/docker.sock", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOCKER_CONFIG"] = _root;
        var since = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var trouble = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var took = since.Elapsed;
        return process.ExitCode == 0
            ? (took, output.TrimEnd().Split('\n')[^1])
            : throw new InvalidOperationException($"docker {string.Join(' ', arguments)}: {await trouble}");
    }

    public async Task<JsonNode?> SendAsync(HttpMethod method, string path, JsonNode? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? text.Length > 0 && text[0] is '{' or '[' ? JsonNode.Parse(text) : null
            : throw new InvalidOperationException($"{method} {path}: {text}");
    }

    /// <summary>Makes a service of so many replicas of an image that is there and returns how long it took until so many containers had started.</summary>
    /// <param name="image">With its digest, so that no replica asks the registry.</param>
    public async Task<TimeSpan> TimeServiceAsync(string name, string image, int replicas, CancellationToken cancellationToken)
    {
        if ((string?)(await SendAsync(HttpMethod.Get, "/info"))!["Swarm"]!["LocalNodeState"] != "active")
        {
            await SendAsync(HttpMethod.Post, "/swarm/init", new JsonObject { ["ListenAddr"] = "127.0.0.1:2377", ["AdvertiseAddr"] = "127.0.0.1" });
        }
        var filters = Uri.EscapeDataString(new JsonObject
        {
            ["type"] = new JsonArray("container"), ["event"] = new JsonArray("start"), ["label"] = new JsonArray($"com.docker.swarm.service.name={name}"),
        }.ToJsonString());
        using var events = new StreamReader(await _http.GetStreamAsync($"/events?filters={filters}", cancellationToken));
        var since = Stopwatch.StartNew();
        await SendAsync(HttpMethod.Post, "/services/create", new JsonObject
        {
            ["Name"] = name,
            ["TaskTemplate"] = new JsonObject
            {
                ["ContainerSpec"] = new JsonObject { ["Image"] = image, ["Command"] = new JsonArray("sh", "-c", "exec sleep 100000"), ["StopGracePeriod"] = 1 },
                ["Resources"] = new JsonObject { ["Limits"] = new JsonObject { ["MemoryBytes"] = 32 << 20, ["NanoCPUs"] = 100_000_000 } },
                // As for Pacer's: the node's own network, so that no bridge is counted.
                ["Networks"] = new JsonArray(new JsonObject { ["Target"] = "host" }),
            },
            ["Mode"] = new JsonObject { ["Replicated"] = new JsonObject { ["Replicas"] = replicas } },
        });
        for (var started = 0; started < replicas;)
        {
            var line = await events.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("Docker's events ended");
            started += line.Length > 0 ? 1 : 0;
        }
        return since.Elapsed;
    }

    public async Task RemoveServiceAsync(string name, CancellationToken cancellationToken)
    {
        await SendAsync(HttpMethod.Delete, "/services/" + name);
        while ((await SendAsync(HttpMethod.Get, "/containers/json?all=1"))!.AsArray().Count > 0)
        {
            await Task.Delay(200, cancellationToken);
        }
    }

    /// <summary>Proportional memory of all processes that hold containers, in kilobytes; and how many there are.</summary>
    public (double Kilobytes, int Containers) MemoryOutside()
    {
        var shims = Own().Where(process => process.Line[0].EndsWith("containerd-shim-runc-v2", StringComparison.Ordinal)).ToList();
        return (shims.Sum(shim => BareContainers.Proportional("/proc/" + shim.Pid)), shims.Count);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            try
            {
                foreach (var service in (await SendAsync(HttpMethod.Get, "/info"))!["Swarm"]!["LocalNodeState"]?.ToString() == "active"
                    ? (await SendAsync(HttpMethod.Get, "/services"))!.AsArray() : [])
                {
                    await SendAsync(HttpMethod.Delete, $"/services/{service!["ID"]}");
                }
                await SendAsync(HttpMethod.Post, "/swarm/leave?force=true").ContinueWith(_ => { }, TaskScheduler.Default); // not in one: all the better
                foreach (var container in (await SendAsync(HttpMethod.Get, "/containers/json?all=1"))!.AsArray())
                {
                    await SendAsync(HttpMethod.Delete, $"/containers/{container!["Id"]}?force=1");
                }
            }
            catch (Exception e) when (e is InvalidOperationException or HttpRequestException or IOException)
            {
                Console.Error.WriteLine($"bench: {e.Message}"); // what it has left is killed below
            }
            await RunAsync("kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture));
            await process.WaitForExitAsync();
            process.Dispose();
        }
        _http.Dispose();
        foreach (var (pid, _) in Own())
        {
            await RunAsync("kill", "-KILL", pid);
        }
        while (Own().Count > 0)
        {
            await Task.Delay(20);
        }
        foreach (var mount in File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(mount => mount.StartsWith(_root + "/", StringComparison.Ordinal)).Reverse().ToList())
        {
            await RunAsync("umount", "-l", mount);
        }
        await RunAsync("ip", "netns", "del", NetworkNamespace);
        foreach (var hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Where(hierarchy => Directory.Exists(hierarchy + _cgroup)))
        {
            await RunAsync("find", hierarchy + _cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";");
        }
        if (!_hadPlugins)
        {
            await RunAsync("rmdir", "/run/docker/plugins", "/run/docker"); // made by every daemon, wherever its own directories are
        }
        await RunAsync("rm", "-rf", _root);
    }

    /// <summary>The daemon, its containerd and what holds containers name their directory in their arguments.</summary>
    private List<(string Pid, string[] Line)> Own() =>
        [.. Directory.EnumerateDirectories("/proc").Select(directory => (Pid: Path.GetFileName(directory), Line: BareContainers.CommandLine(directory)))
            .Where(process => process.Line.Any(word => word.Contains(_root, StringComparison.Ordinal)) && process.Line[0] != "/bin/sh")];

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
    }
}
