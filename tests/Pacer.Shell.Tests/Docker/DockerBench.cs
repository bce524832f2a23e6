using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Agent;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;

namespace Pacer.Shell.Tests.Docker;

/// <summary>An agent with a Docker daemon, and what tests of it have in common.</summary>
internal sealed class DockerBench : IAsyncDisposable
{
    private readonly DockerDaemon _daemon;

    private DockerBench(DockerDaemon daemon, AgentBench bench) => (_daemon, Agents) = (daemon, bench);

    public AgentBench Agents { get; }

    public TestServer Server => Agents.Server;

    public string Root => Agents.Root;

    public static async Task<DockerBench> StartAsync(DockerDaemon daemon, bool startAgent = true, double lostAfterSeconds = 1)
    {
        daemon.Require();
        var bench = await AgentBench.StartAsync(startAgent, options => options with
        {
            Isolation = "process", DockerSocket = daemon.Socket, DockerLostAfter = TimeSpan.FromSeconds(lostAfterSeconds), Ports = "31200-31220",
        });
        return new DockerBench(daemon, bench);
    }

    public TaskSpec Spec(string id, Action<TaskSpec> change)
    {
        var spec = AgentBench.Shell(id, "");
        spec.Command = null;
        spec.Runtime = Pacer.Contracts.AgentLink.Runtime.Docker;
        spec.Image = new ImageSpec { Name = _daemon.Image };
        spec.Docker = new DockerSpec { Network = "host" };
        spec.KillGraceMs = 1000;
        change(spec);
        return spec;
    }

    public TaskSpec Shell(string id, string command, Action<TaskSpec>? change = null) => Spec(id, spec =>
    {
        spec.Command = new Command { Shell = command };
        change?.Invoke(spec);
    });

    public static HealthCheck Check(HealthCheck.Types.Target target, int port) => new()
    {
        Protocol = HealthCheck.Types.Protocol.Http, Path = "/index.html", Port = port, Target = target, IntervalMs = 100, TimeoutMs = 5000, GracePeriodMs = 10_000, MaxConsecutiveFailures = 100,
    };

    public string Read(string task, string file) => File.ReadAllText(Path.Combine(Agents.SandboxOf(task), file));

    public Task UntilPrintedAsync(string task, string text) => AgentBench.UntilAsync(
        () => File.Exists(Path.Combine(Agents.SandboxOf(task), "stdout")) && Read(task, "stdout") == text, $"{task} has not printed '{text}'");

    public Task UntilForgottenAsync() => AgentBench.UntilAsync(() => !Agents.Agent.Tasks.All.Any(), "tasks are not forgotten");

    /// <summary>The container of a task as its daemon describes it.</summary>
    public async Task<JsonNode> InspectAsync(string task) => (await _daemon.SendAsync("GET",
        $"/containers/{(await _daemon.NamesAsync()).Single(name => name.StartsWith($"pacer-{task}-", StringComparison.Ordinal))}/json"))!;

    public static JsonNode Json(string text) => JsonNode.Parse(text)!;

    /// <summary>Host pids of processes with a word in their arguments.</summary>
    public static List<int> Processes(string word)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    && File.ReadAllText(directory + "/cmdline").Split('\0') is ["sleep", var argument, ..] && argument == word)
                {
                    found.Add(pid);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has just ended.
            }
        }
        return found;
    }

    public async ValueTask DisposeAsync()
    {
        if (Agents.HasAgent)
        {
            await Agents.Agent.StopAsync();
        }
        await AgentHost.TeardownAsync(Agents.Options, Agents.Parts, CancellationToken.None);
        await Agents.DisposeAsync();
    }
}
