using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Pacer.Shell.Tests.Images;

namespace Pacer.Shell.Tests.Docker;

/// <summary>
/// A Docker daemon of its own: own socket, own storage, own bridge, no firewall rules. It can leave and come back while its containers run on.
/// All that it made is gone at the end.
/// </summary>
public sealed class DockerDaemon : IAsyncLifetime
{
    private const string Program = "/usr/sbin/dockerd";
    private static int s_last;

    private readonly string _root = Directory.CreateTempSubdirectory("pacer-dockerd-").FullName;
    private readonly string _bridge = string.Create(CultureInfo.InvariantCulture, $"pdk{Environment.ProcessId % 1_000_000}x{Interlocked.Increment(ref s_last)}");
    private readonly string _cgroup = string.Create(CultureInfo.InvariantCulture, $"/pacer-dockerd-{Environment.ProcessId}-{s_last}");
    private string? _unavailable;
    private Process? _process;
    private bool _hasBridge;
    private readonly bool _hadPlugins = Directory.Exists("/run/docker");

    public string Socket => $"{_root}/docker.sock";

    /// <summary>An image with a shell and the usual tools, which is at the daemon.</summary>
    public string Image => "pacer-test/busybox:1";

    public bool IsAvailable => _unavailable is null;

    /// <summary>Skips the test where no daemon can run.</summary>
    public void Require() => Assert.SkipWhen(_unavailable is not null, _unavailable ?? "");

    public async ValueTask InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists(Program))
        {
            _unavailable = Environment.IsPrivilegedProcess ? "dockerd is not installed (apt-get install docker.io)" : "a Docker daemon needs root";
            return;
        }
        // Second to last resort of private networks, a little part of it.
        var third = 100 + (Environment.ProcessId % 100);
        for (var second = 240; second < 250 && !_hasBridge; second++)
        {
            var address = string.Create(CultureInfo.InvariantCulture, $"10.{second}.{third}.1/24");
            if (Run("ip", "route", "show", "to", "match", address.Split('/')[0]).Contains($"10.{second}.{third}.", StringComparison.Ordinal))
            {
                continue;
            }
            _hasBridge = true;
            Run("ip", "link", "add", _bridge, "type", "bridge");
            Run("ip", "addr", "add", address, "dev", _bridge);
            Run("ip", "link", "set", _bridge, "up");
        }
        File.WriteAllText($"{_root}/daemon.json", $$"""{"deprecated-key-path":"{{_root}}/key.json"}""");
        if (await TryStartAsync() is { } problem)
        {
            _unavailable = "a Docker daemon can't run here: " + problem;
            return;
        }
        await ImportAsync();
    }

    /// <summary>Starts it again.</summary>
    public async Task StartAsync()
    {
        if (await TryStartAsync() is { } problem)
        {
            throw new InvalidOperationException(problem);
        }
    }

    /// <summary>Ends the daemon; its containers go on.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            Kill(process.Id, 15);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>A call of the API with its answer, for what the code under test does not do.</summary>
    public async Task<JsonNode?> SendAsync(string method, string path, JsonNode? body = null)
    {
        using var http = Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://docker" + path);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), null, "application/json");
        }
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {text}");
        return text.Length > 0 && text[0] is '{' or '[' ? JsonNode.Parse(text.Split('\n')[0]) : null;
    }

    /// <summary>Names of all containers that there are.</summary>
    public async Task<List<string>> NamesAsync() =>
        [.. (await SendAsync("GET", "/containers/json?all=1"))!.AsArray().Select(container => container!["Names"]![0]!.ToString().TrimStart('/'))];

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            foreach (var name in await NamesAsync())
            {
                await SendAsync("DELETE", $"/containers/{name}?force=1");
            }
            foreach (var network in (await SendAsync("GET", "/networks?filters=%7B%22type%22%3A%5B%22custom%22%5D%7D"))!.AsArray())
            {
                await SendAsync("DELETE", $"/networks/{network!["Id"]}");
            }
        }
        await StopAsync();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            // Its containerd and what holds containers name it in their arguments.
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Arguments(pid).Contains(_root, StringComparison.Ordinal))
            {
                Kill(pid, 9);
            }
        }
        if (_hasBridge)
        {
            Run("ip", "link", "del", _bridge);
        }
        foreach (var mount in File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(mount => mount.StartsWith(_root + "/", StringComparison.Ordinal)).Reverse().ToList())
        {
            Run("umount", "-l", mount);
        }
        foreach (var hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            if (Directory.Exists(hierarchy + _cgroup))
            {
                Run("find", hierarchy + _cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";");
            }
        }
        if (!_hadPlugins)
        {
            // Made by every daemon, wherever its own directories are; not if another one has put something there meanwhile.
            Run("rmdir", "/run/docker/plugins", "/run/docker");
        }
        Run("rm", "-rf", _root);
    }

    private async Task<string?> TryStartAsync()
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            // Of a session of its own, so that Ctrl-C of the tests does not reach it before they have cleaned up.
            ArgumentList =
            {
                "-c",
                $"exec setsid {Program} --config-file {_root}/daemon.json --host unix://{Socket} --data-root {_root}/data --exec-root {_root}/exec --pidfile {_root}/pid"
                + $" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge {_bridge} --live-restore --cgroup-parent {_cgroup} >>{_root}/log 2>&1",
            },
        };
        _process = Process.Start(start)!;
        using var http = Client();
        for (var i = 0; i < 600; i++)
        {
            if (_process.HasExited)
            {
                _process = null;
                return File.ReadLines($"{_root}/log").LastOrDefault() ?? "it ended at once";
            }
            try
            {
                if ((await http.GetAsync("http://docker/_ping")).IsSuccessStatusCode)
                {
                    return null;
                }
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }
            await Task.Delay(50);
        }
        return "it did not answer within 30 seconds";
    }

    private async Task ImportAsync()
    {
        using var http = Client();
        using var layer = new ByteArrayContent(TestImage.Busybox().TopLayer);
        var changes = Uri.EscapeDataString("""CMD ["sh","-c","echo from the image; exec sleep 1000"]""");
        using var answer = await http.PostAsync($"http://docker/images/create?fromSrc=-&repo=pacer-test/busybox&tag=1&changes={changes}", layer);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode && !text.Contains("\"error\"", StringComparison.Ordinal), text);
    }

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private static void Kill(int pid, int signal) => Run("kill", $"-{signal}", pid.ToString(CultureInfo.InvariantCulture));

    private static string Arguments(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}

[CollectionDefinition(nameof(DockerCollection))]
public sealed class DockerCollection : ICollectionFixture<DockerDaemon>;
