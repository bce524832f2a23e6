using System.Collections.Immutable;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Storage;
using AppResources = Pacer.Core.Model.Resources;

namespace Pacer.Bench;

/// <summary>A store as a large cluster leaves it: apps in groups, each with running instances spread over nodes, as the core would have placed them.</summary>
internal static class LargeState
{
    private const int Nodes = 200;
    private const long Day = 24 * 3600 * 1000;

    public static void Write(string dataDirectory, int apps, int instancesPerApp)
    {
        var started = new Timestamp(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - Day);
        using var store = SqliteStateStore.Open(dataDirectory);
        var batch = new List<Change> { new Change.PutRootVersion(started) };
        for (var node = 0; node < Nodes; node++)
        {
            batch.Add(new Change.PutAgent(new AgentNode(
                Agent(node), $"node{node}.example", $"10.1.{node / 250}.{node % 250}", new AppResources(64_000, 512L << 30, 4L << 40, 0),
                [new PortRange(10_000, 60_000)], ImmutableSortedDictionary<string, string>.Empty, "region", $"zone{node % 3}", ["mesos"], "bench", started,
                Connected: true, DisconnectedAt: null, Lost: false)));
        }
        var placed = 0;
        var index = 0L;
        for (var number = 0; number < apps; number++)
        {
            var spec = Spec(number, instancesPerApp, started);
            batch.Add(new Change.PutRunSpec(spec));
            batch.Add(new Change.PutVersion(spec));
            for (var i = 0; i < instancesPerApp; i++)
            {
                batch.Add(new Change.PutInstance(Running(spec, placed++, started)));
            }
            if (batch.Count > 5000 || number == apps - 1)
            {
                store.Commit(batch, ++index);
                batch.Clear();
            }
        }
    }

    public static string Id(int number) => $"/team{number % 100}/service{number / 100 % 10}/app{number}";

    private static AgentId Agent(int node) => new($"agent-{node:000}");

    private static RunSpec Spec(int number, int instances, Timestamp at)
    {
        var app = JsonSerializer.Deserialize($$$"""
            {"id":"{{{Id(number)}}}","cmd":"exec ./serve --port $PORT0 --name app{{{number}}}","cpus":0.1,"mem":64,"instances":{{{instances}}},
             "env":{"NAME":"app{{{number}}}","MODE":"production","DATABASE":"postgres://db{{{number % 10}}}.example/app{{{number}}}"},
             "labels":{"team":"team{{{number % 100}}}","tier":"backend","HAPROXY_GROUP":"external"},
             "portDefinitions":[{"port":{{{10_000 + number}}},"name":"http","protocol":"tcp","labels":{}}],
             "healthChecks":[{"protocol":"HTTP","path":"/health","portIndex":0}]}
            """, WireJson.Default.App)!;
        AppDefaults.Fill(app, new AppRules());
        var spec = AppConversion.ToRunSpec(app);
        return spec with { Version = at, LastScalingAt = at, LastConfigChangeAt = at };
    }

    private static Instance Running(RunSpec spec, int number, Timestamp at)
    {
        var node = number % Nodes;
        var id = new InstanceId($"{spec.Id.SafePath}.instance-{new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}");
        var task = new TaskInfo(
            TaskId.Create(id, TaskId.AppContainer, 1), Condition.Running, at, at, at, null, null, null, null, [$"10.1.{node / 250}.{node % 250}"],
            [new HealthResult(0, Alive: true, 0, at, at, null, null)]);
        var placement = new Placement(Agent(node), $"node{node}.example", "region", $"zone{node % 3}", [10_000 + (number / Nodes)], spec.Resources);
        return new Instance(
            id, at, at, Goal.Running, Condition.Running, at, at, at, 1, spec.Role, placement, [task], Healthy: true, Ready: true, at, null, null, null);
    }
}
