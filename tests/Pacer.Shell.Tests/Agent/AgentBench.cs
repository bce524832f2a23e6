using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>A work directory, a server and agents on it, all real and all gone at the end.</summary>
internal sealed class AgentBench : IAsyncDisposable
{
    private readonly List<AgentHost> _agents = [];

    private AgentBench(string root, TestServer server)
    {
        Root = root;
        Server = server;
        Options = new AgentOptions
        {
            Join = $"unix:{root}/server.sock",
            WorkDir = Path.Combine(root, "work"),
            RunDir = Path.Combine(root, "run"),
            Ports = "31000-31010",
        };
    }

    public string Root { get; }

    public AgentOptions Options { get; set; }

    /// <summary>The agent picks its runtime as it does for users.</summary>
    public bool Real { get; set; }

    public TestServer Server { get; set; }

    public PlainRuntime Runtime => new(Path.Combine(Root, "run"));

    public AgentHost Agent => _agents[^1];

    public bool HasAgent => _agents.Count > 0;

    public static async Task<AgentBench> StartAsync(bool startAgent = true, Func<AgentOptions, AgentOptions>? change = null)
    {
        var root = Directory.CreateTempSubdirectory("pacer-agent-test-").FullName;
        var bench = new AgentBench(root, await TestServer.StartAsync($"unix:{root}/server.sock"));
        if (change is not null)
        {
            bench.Options = change(bench.Options);
        }
        if (startAgent)
        {
            await bench.StartAgentAsync();
        }
        return bench;
    }

    public AgentParts Parts => new((_, _, _) => Task.FromResult<IContainerRuntime>(Runtime)) { Logging = NullLoggerFactory.Instance };

    public async Task<AgentHost> StartAgentAsync()
    {
        var before = Server.Registrations;
        var agent = Real
            ? await AgentHost.StartAsync(Options, CancellationToken.None)
            : await AgentHost.StartAsync(Options, Parts, CancellationToken.None);
        _agents.Add(agent);
        await Server.WaitForRegistrationsAsync(before + 1);
        return agent;
    }

    /// <summary>A task that runs a shell command.</summary>
    public static TaskSpec Shell(string id, string command, Action<TaskSpec>? change = null)
    {
        var spec = new TaskSpec
        {
            TaskId = id,
            RunSpecId = "/test",
            Runtime = Pacer.Contracts.AgentLink.Runtime.Mesos,
            Command = new Command { Shell = command },
            Resources = new Resources { CpuMillis = 100, MemoryBytes = 32 << 20 },
        };
        change?.Invoke(spec);
        return spec;
    }

    public string SandboxOf(string taskId) => Path.Combine(Options.WorkDir, "sandboxes", taskId);

    public string Checkpoint(string taskId, string kind) => Path.Combine(Options.WorkDir, "tasks", $"{taskId}.{kind}");

    public static async Task UntilAsync(Func<bool> condition, string what, int seconds = 45)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(seconds); !condition();)
        {
            if (DateTime.UtcNow > deadline)
            {
                throw new TimeoutException(what);
            }
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in _agents)
        {
            await agent.StopAsync();
        }
        if (Real)
        {
            await AgentHost.TeardownAsync(Options, CancellationToken.None);
        }
        else
        {
            await Runtime.RemoveOrphansAsync(new HashSet<string>(), CancellationToken.None);
        }
        await Server.DisposeAsync();
        Directory.Delete(Root, recursive: true);
    }
}
