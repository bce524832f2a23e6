using System.Diagnostics;
using System.Globalization;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Storage;

namespace Pacer.Bench;

/// <summary>
/// Instances placed a second by the state machine, in process, alone and with every step committed to SQLite. One placement is the
/// whole way of an instance: made, placed, its launch ordered.
/// </summary>
internal static class PlacementBench
{
    private const int Apps = 1000;
    private const int PerApp = 1000;
    private static readonly ClusterSettings Settings = new() { MaxRunningDeployments = int.MaxValue };

    private static readonly (string Name, Func<RunSpec, RunSpec> With, Func<int, int> Burst)[] Kinds =
    [
        ("no constraint", spec => spec, nodes => Math.Min(20_000, nodes * 4)),
        ("GROUP_BY rack", spec => spec with { Constraints = [new Constraint("rack", ConstraintOperator.GroupBy, null)] }, nodes => Math.Min(20_000, nodes * 4)),
        ("GROUP_BY hostname", spec => spec with { Constraints = [new Constraint("hostname", ConstraintOperator.GroupBy, null)] }, nodes => Math.Min(20_000, nodes * 4)),
        ("hostname UNIQUE", spec => spec with { Constraints = [new Constraint("hostname", ConstraintOperator.Unique, null)] }, nodes => nodes * 9 / 10),
        ("disk LIKE ssd.*", spec => spec with { Constraints = [new Constraint("disk", ConstraintOperator.Like, "ssd.*")] }, nodes => Math.Min(20_000, nodes * 4)),
        ("fixed host port", spec => spec with { Ports = [new PortSpec(31500, 31500, 0, "tcp", null)], RequirePorts = true }, nodes => nodes * 9 / 10),
    ];

    public static int Run(string[] args, string results)
    {
        if (args is not ([] or ["--no-million"]))
        {
            Console.Error.WriteLine("bench placement [--no-million]: the flag leaves out the burst of 1,000,000 instances");
            return 2;
        }
        var report = new Report();
        Warm();
        foreach (var nodes in (int[])[100, 1000, 5000, 10_000])
        {
            foreach (var (name, with, size) in Kinds)
            {
                var aim = nodes != 5000 ? "" : name == "no constraint" ? "≥ 20000/s" : name.StartsWith("GROUP_BY", StringComparison.Ordinal) ? "≥ 5000/s" : "";
                var bare = Measure(nodes, with, size(nodes), commit: false);
                var stored = Measure(nodes, with, size(nodes), commit: true);
                report.Add($"{nodes} nodes, {name}: one burst of {size(nodes)}", bare.Burst.ToString(), $"{stored.Burst} with commits", null, aim);
                report.Add($"{nodes} nodes, {name}: one by one", bare.Single.ToString(), $"{stored.Single} with commits", null, "");
            }
        }
        if (args.Length == 0)
        {
            Million(report, commit: false);
            Million(report, commit: true);
        }
        report.Print(Console.Out);
        report.Store(results, "-placement");
        return 0;
    }

    private static string Rate(double rate) => rate.ToString("0", CultureInfo.InvariantCulture) + "/s";

    private static void Warm()
    {
        foreach (var (_, with, _) in Kinds)
        {
            Measure(200, with, 150, commit: true);
        }
    }

    /// <summary>Instances a second by the clock, and by the processor time used: the latter holds on a busy machine too.</summary>
    private readonly record struct Pace(int Count, TimeSpan Wall, TimeSpan Processor)
    {
        public double PerSecond => Count / Wall.TotalSeconds;

        // Processor time comes in steps of 10 ms, so a short one says nothing.
        public override string ToString() =>
            Processor.TotalMilliseconds < 50 ? Rate(PerSecond) : $"{Rate(PerSecond)} ({Rate(Count / Processor.TotalSeconds)} of CPU)";
    }

    private static Pace Time(int count, Action work)
    {
        var processor = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        work();
        return new Pace(count, clock.Elapsed, Environment.CpuUsage.TotalTime - processor);
    }

    private static (Pace Burst, Pace Single) Measure(int nodes, Func<RunSpec, RunSpec> with, int burst, bool commit)
    {
        const int singles = 300;
        using var world = new BenchWorld(nodes, Settings, commit);
        var spec = with(BenchWorld.App("/burst", burst));
        var pace = Time(burst, () => world.Put(spec));
        world.CheckPlaced(spec.Id, burst);

        // One more instance for an app that runs 50, again and again.
        var grown = with(BenchWorld.App("/grown", 50)) with { Ports = [] };
        world.Put(grown);
        world.AllRun();
        var (wall, processor) = (TimeSpan.Zero, TimeSpan.Zero);
        var count = Math.Min(singles, nodes / 2);
        for (var i = 1; i <= count; i++)
        {
            var one = Time(1, () => world.Put(grown with { Instances = 50 + (i % 40) + 1 }));
            (wall, processor) = (wall + one.Wall, processor + one.Processor);
            world.AllRun();
            if (i % 40 == 39)
            {
                world.Put(grown);
                world.AllRun();
            }
        }
        return (pace, new Pace(count, wall, processor));
    }

    private static void Million(Report report, bool commit)
    {
        using var world = new BenchWorld(5000, Settings, commit);
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        void Place(int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                world.Put(BenchWorld.App($"/c1m/app{i:d4}", PerApp));
                world.ForgetOrders();
            }
        }
        var first = Time(Apps / 10 * PerApp, () => Place(0, Apps / 10));
        var rest = Time(Apps / 10 * 9 * PerApp, () => Place(Apps / 10, Apps));
        var all = new Pace(first.Count + rest.Count, first.Wall + rest.Wall, first.Processor + rest.Processor);
        var heap = GC.GetTotalMemory(forceFullCollection: true) - before;
        using var process = Process.GetCurrentProcess();
        var how = commit ? "with commits" : "in memory";
        report.Add($"{Apps * PerApp} instances of {Apps} apps on 5000 nodes, {how}", all.ToString(), $"{first} for the first tenth", null, "flat");
        report.Add($"{Apps * PerApp} instances, {how}: live memory", $"{heap / 1e9:0.00} GB", $"{process.WorkingSet64 / 1e9:0.00} GB resident", null, "< 4 GB");
    }
}
