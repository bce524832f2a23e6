using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Events;
using Pacer.Server.Loop;

namespace Pacer.Server.Metrics;

/// <summary>One reading of everything, under Marathon's names (marathon-behaviour.md §15) where it has some.</summary>
internal sealed class MetricsReading
{
    private const string Prefix = "marathon.";

    public List<(string Name, double Value)> Gauges { get; } = [];

    public List<(string Name, long Count)> Counters { get; } = [];

    public List<(string Name, Distribution Values)> Histograms { get; } = [];

    public List<(string Name, Rates Rates)> Meters { get; } = [];

    public List<(string Name, CallTimer Timer)> Timers { get; } = [];

    private void Gauge(string name, double value) => Gauges.Add((Prefix + name, value));

    private void Counter(string name, long count) => Counters.Add((Prefix + name, count));

    public static MetricsReading Take(
        IClusterLoop loop, ClusterSettings settings, RequestMetrics requests, LoopMetrics steps, EventHub events, TimeProvider time, DateTimeOffset startedAt)
    {
        var now = time.GetUtcNow();
        var reading = new MetricsReading();
        reading.ReadCluster(new ClusterFigures(loop.State, Timestamp.From(now), settings), (now - startedAt).TotalSeconds);
        reading.ReadLoop(steps);
        reading.ReadRequests(requests, events);
        reading.ReadProcess();
        return reading;
    }

    private void ReadCluster(ClusterFigures figures, double upSeconds)
    {
        Gauge("apps.active.gauge", figures.Apps);
        Gauge("pods.active.gauge", figures.Pods);
        Gauge("groups.active.gauge", figures.Groups);
        Gauge("deployments.active.gauge", figures.Deployments);
        Gauge("instances.running.gauge", figures.Running);
        Gauge("instances.staged.gauge", figures.Staged);
        Gauge("instances.launch-overdue.gauge", figures.LaunchOverdue);
        Gauge("instances.inflight-kills.gauge", figures.InflightKills);
        Gauge("instances.inflight-kill-attempts.gauge", figures.InflightKills);
        Gauge("instances.held-unhealthy-kills.gauge", figures.HeldKills);
        Gauge("instances.waiting.gauge", figures.Waiting);
        Gauge("launch-queue.run-specs.gauge", figures.QueuedRunSpecs);
        foreach (var condition in Enum.GetValues<Condition>())
        {
            Gauge($"instances.condition.{condition.ToString().ToLowerInvariant()}.gauge", figures.ByCondition[(int)condition]);
        }
        foreach (var state in Enum.GetValues<Condition>().GroupBy(condition => condition.ToMesosState(), StringComparer.Ordinal))
        {
            Gauge($"tasks.{StateName(state.Key)}.gauge", state.Sum(condition => figures.ByTaskCondition[(int)condition]));
        }
        Gauge("agents.connected.gauge", figures.ConnectedNodes);
        Gauge("agents.disconnected.gauge", figures.DisconnectedNodes);
        Gauge("agents.lost.gauge", figures.LostNodes);
        Gauge("state.index.gauge", figures.Index);
        // One server: it leads for as long as it runs.
        Gauge("leadership.duration.gauge.seconds", upSeconds);
        Gauge("uptime.gauge.seconds", upSeconds);
    }

    private void ReadLoop(LoopMetrics steps)
    {
        Counter("deployments.counter", steps.Deployments);
        Counter("deployments.dismissed.counter", steps.Dismissed);
        Counter("tasks.launched.counter", steps.Launches + steps.PodLaunches);
        Counter("tasks.kills.counter", steps.Kills);
        Counter("mesos.offer-operations.launch.counter", steps.Launches);
        Counter("mesos.offer-operations.launch-group.counter", steps.PodLaunches);
        foreach (var (state, count) in steps.TaskUpdates.OrderBy(update => update.Key, StringComparer.Ordinal))
        {
            Counter($"mesos.task-updates.{StateName(state)}.counter", count);
        }
        Timers.Add((Prefix + "loop.steps.duration.timer.seconds", steps.Steps));
        Timers.Add((Prefix + "persistence.commits.duration.timer.seconds", steps.Commits));
        Histograms.Add((Prefix + "loop.steps.inputs.histogram", steps.BatchInputs));
        Histograms.Add((Prefix + "persistence.commits.changes.histogram", steps.CommitChanges));
    }

    private void ReadRequests(RequestMetrics requests, EventHub events)
    {
        Gauge("http.requests.active.gauge", requests.Active);
        Gauge("http.event-streams.active.gauge", events.Readers);
        Counter("http.event-streams.events.counter", events.Published);
        Timers.Add((Prefix + "http.requests.duration.timer.seconds", requests.All));
        foreach (var (method, timer) in requests.ByMethod)
        {
            Timers.Add(($"{Prefix}http.requests.{method.ToLowerInvariant()}.duration.timer.seconds", timer));
        }
        for (var digit = 1; digit <= requests.ByClass.Count; digit++)
        {
            Meters.Add(($"{Prefix}http.responses.{digit}xx.rate.meter", requests.ByClass[digit - 1].PerSecond()));
        }
        Counter("http.requests.size.counter.bytes", requests.RequestBytes);
        Counter("http.responses.size.counter.bytes", requests.ResponseBytes);
        Counter("http.responses.size.gzipped.counter.bytes", requests.GzippedBytes);
        Counter("http.responses.event-stream.size.counter.bytes", requests.EventStreamBytes);
    }

    /// <summary>The runtime's figures under the names that dashboards for Marathon look for, and under their own.</summary>
    private void ReadProcess()
    {
        var memory = GC.GetGCMemoryInfo();
        Gauge("jvm.memory.heap.used.gauge.bytes", GC.GetTotalMemory(forceFullCollection: false));
        Gauge("jvm.memory.heap.committed.gauge.bytes", memory.TotalCommittedBytes);
        Gauge("jvm.memory.total.used.gauge.bytes", Environment.WorkingSet);
        Gauge("jvm.threads.active.gauge", ThreadPool.ThreadCount);
        Gauge("jvm.threads.queued.gauge", ThreadPool.PendingWorkItemCount);
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            Gauge($"jvm.gc.gen{generation}.collections.gauge", GC.CollectionCount(generation));
        }
        Gauge("jvm.gc.pause.gauge.seconds", GC.GetTotalPauseDuration().TotalSeconds);
        Gauge("process.cpu.gauge.seconds", Environment.CpuUsage.TotalTime.TotalSeconds);
        Gauge("process.resident-memory.gauge.bytes", Environment.WorkingSet);
        Counter("process.allocated.counter.bytes", GC.GetTotalAllocatedBytes());
    }

    private static string StateName(string mesosState) => mesosState["TASK_".Length..].ToLowerInvariant();
}
