using System.Diagnostics;

namespace Pacer.Bench;

/// <summary>
/// Debian's docker-registry on a loopback address, twice on the same storage: on the machine's loopback, and at the same address on that of
/// the Docker daemon's network namespace. So both pull the same bytes by the same name.
/// </summary>
internal sealed class LocalRegistry : IAsyncDisposable
{
    public const string Program = "/usr/bin/docker-registry";

    private readonly string _root;
    private readonly Process[] _processes;

    private LocalRegistry(string root, string host, Process[] processes)
    {
        (_root, Host, _processes) = (root, host, processes);
        Http = new HttpClient { BaseAddress = new Uri("http://" + host) };
    }

    /// <summary>First part of image names.</summary>
    public string Host { get; }

    public HttpClient Http { get; }

    public static async Task<LocalRegistry> StartAsync(string networkNamespace)
    {
        var root = Directory.CreateDirectory($"/var/tmp/pacer-bench-registry-{Environment.ProcessId}").FullName;
        // An address of its own, so that no other registry is in the way.
        var host = $"127.77.{Environment.ProcessId / 250 % 250}.{1 + Environment.ProcessId % 250}:5000";
        await File.WriteAllTextAsync($"{root}/config.yml",
            $"version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {root}/data\nhttp:\n  addr: {host}\n");
        Process Start(string before) => Process.Start("/bin/sh", ["-c", $"exec setsid {before} {Program} serve {root}/config.yml >>{root}/log 2>&1 </dev/null"]);
        var registry = new LocalRegistry(root, host, [Start(""), Start($"nsenter --net=/run/netns/{networkNamespace}")]);
        for (var patience = 0; ; patience++)
        {
            try
            {
                using var answer = await registry.Http.GetAsync("/v2/");
                return registry;
            }
            catch (HttpRequestException) when (patience < 500)
            {
                await Task.Delay(20);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var process in _processes)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        Directory.Delete(_root, recursive: true);
    }
}
