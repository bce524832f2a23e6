using System.Collections.Immutable;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Storage;

namespace Pacer.Bench;

/// <summary>The state machine with many nodes that exist only as their registration, and on request a store on disk.</summary>
internal sealed class BenchWorld : IDisposable
{
    private readonly ClusterSettings _settings;
    private readonly SqliteStateStore? _store;
    private readonly string? _directory;
    private readonly List<Effect.Launch> _launched = [];
    private readonly List<Effect.Kill> _killed = [];
    private ClusterState _state = ClusterState.Empty;
    private Timestamp _now = new(1_700_000_000_000);
    private ulong _seed = 1;

    public BenchWorld(int nodes, ClusterSettings settings, bool commit)
    {
        _settings = settings;
        if (commit)
        {
            _directory = Directory.CreateDirectory($"/var/tmp/pacer-bench-placement-{Environment.ProcessId}-{Guid.NewGuid():N}").FullName;
            _store = SqliteStateStore.Open(_directory);
        }
        for (var i = 0; i < nodes; i++)
        {
            var attributes = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal)
                .Add("rack", $"r{i * 20 / nodes}").Add("disk", i % 4 == 0 ? "ssd-fast" : "hdd");
            Step(new Input.AgentConnected(new AgentNode(
                new AgentId($"node-{i:d5}"), $"node{i:d5}.example.com", "10.0.0.1", new Resources(64_000, 256L << 30, 1L << 40, 0), [new PortRange(31000, 32000)],
                attributes, "eu", $"eu-{i % 3}", ["mesos"], "bench", _now, true, null, false), []));
        }
    }

    public static RunSpec App(string id, int instances) => new(
        new RunSpecId(id), RunSpecKind.App, "{\"id\":\"" + id + "\",\"cmd\":\"sleep 1000\"}", instances, new Resources(100, 32 << 20, 0, 0), RuntimeKind.Mesos,
        [TaskId.AppContainer], [], false, [], [], BackoffPolicy.Default, UpgradeStrategy.Default, UnreachableStrategy.Default,
        KillSelection.YoungestFirst, "*", [], 0, false, default, default, default);

    public void Put(RunSpec spec) => Step(new Input.ChangeRunSpecs(
        default, [new RunSpecChange.Put(spec, _state.RunSpecs.GetValueOrDefault(spec.Id)?.Version)], Force: true));

    public void CheckPlaced(RunSpecId id, int count)
    {
        var placed = _state.InstancesOf(id).Values.Count(instance => instance.Placement is not null);
        if (placed != count)
        {
            throw new InvalidOperationException($"{placed} of {count} instances of {id} were placed");
        }
    }

    /// <summary>Every ordered task runs, every killed one ends.</summary>
    public void AllRun()
    {
        while (_launched.Count + _killed.Count > 0)
        {
            List<Input> reports =
            [
                .. _launched.SelectMany(launch => launch.Instance.Tasks.Select(task => Report(launch.AgentId, task.Id, Condition.Running))),
                .. _killed.Select(kill => Report(kill.AgentId, kill.TaskId, Condition.Killed)),
            ];
            ForgetOrders();
            Step([.. reports]);
        }
    }

    public void ForgetOrders()
    {
        _launched.Clear();
        _killed.Clear();
    }

    public void Dispose()
    {
        _store?.Dispose();
        if (_directory is not null)
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private void Step(params Input[] inputs)
    {
        _now += TimeSpan.FromMilliseconds(1);
        var result = Orchestrator.Step(_state, inputs, _now, _seed++, _settings);
        _state = result.State with { Index = _state.Index + 1 };
        _store?.Commit(result.Changes, _state.Index);
        _launched.AddRange(result.Effects.OfType<Effect.Launch>());
        _killed.AddRange(result.Effects.OfType<Effect.Kill>());
    }

    private static Input.TaskReported Report(AgentId agent, TaskId task, Condition condition) =>
        new(agent, new TaskReport(task, 1, condition, null, null, default, null, null, [], []));
}
