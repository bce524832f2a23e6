using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Pacer.Agent.Networks;
using Pacer.Agent.Vips;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Vips;

namespace Pacer.Bench;

/// <summary>
/// (h) Virtual IPs by the kernel: how long a table of a thousand takes, and one change of it; and requests through one against requests to
/// the server itself, from one network namespace to another.
/// </summary>
internal static class VirtualIps
{
    private const int Vips = 1000;
    private const int Backends = 5;
    private const int Builds = 5;
    private const int Changes = 25;
    private const int Rounds = 3;
    private const int Seconds = 5;
    private const string Server = "10.88.0.2";
    private const string Vip = "11.88.0.1";

    public static bool ArePossible => Environment.IsPrivilegedProcess && File.Exists("/usr/bin/wrk") && NetworkTools.Missing() is null;

    public static async Task MeasureAsync(Report report)
    {
        var (machine, other) = ($"pbv{Environment.ProcessId}", $"pbv{Environment.ProcessId}s");
        var real = new NetworkTools();
        await real.DemandAsync("ip", ["-batch", "-"], $"netns add {machine}\nnetns add {other}\n");
        var tools = new NetworkTools(NetworkNaming.NamespacePath(machine));
        try
        {
            await tools.DemandAsync("ip", ["-batch", "-"], $"link set lo up\nlink add b0 type veth peer name b0 netns {other}\naddr add 10.88.0.1/24 dev b0\nlink set b0 up\n");
            await real.DemandAsync("ip", ["-n", other, "-batch", "-"], $"link set lo up\naddr add {Server}/24 dev b0\nlink set b0 up\n");
            var naming = new NetworkNaming("/var/tmp/pacer-bench-vips");
            await MeasureTableAsync(report, tools, naming);
            await MeasurePathAsync(report, tools, naming, machine, other);
        }
        finally
        {
            await real.RunAsync("ip", ["-force", "-batch", "-"], $"netns del {machine}\nnetns del {other}\n");
        }
    }

    private static async Task MeasureTableAsync(Report report, NetworkTools tools, NetworkNaming naming)
    {
        var rows = new VipRows();
        rows.Apply(Cluster());
        var derive = Enumerable.Range(0, Changes).Select(_ => Time(() => VipPlan.Of(rows.ToTable(), rows.Range, "n0"))).ToList();
        var plan = VipPlan.Of(rows.ToTable(), rows.Range, "n0");
        var builds = new List<double>();
        KernelVips vips = null!;
        for (var i = 0; i < Builds; i++)
        {
            vips = new KernelVips(tools, naming);
            builds.Add(await TimeAsync(() => vips.ApplyAsync(plan)));
        }
        var changes = new List<double>();
        for (var i = 0; i < Changes; i++)
        {
            var (key, targets) = plan.Targets.ElementAt(i * (Vips / Changes));
            plan = plan with { Targets = plan.Targets.SetItem(key, new VipTargets(targets.Serving.RemoveAt(0), targets.Alive)) };
            changes.Add(await TimeAsync(() => vips.ApplyAsync(plan)));
        }
        var (build, change) = (Report.Median(builds), Report.Median(changes));
        report.Add($"(h) {Vips:N0} virtual IPs with {Backends} backends each, worked out of the endpoints", Milliseconds(Report.Median(derive)), "", null, "");
        report.Add($"(h) {Vips:N0} virtual IPs with {Backends} backends each, written to the kernel", Milliseconds(build), "", null, "");
        report.Add("(h) one of them changed", Milliseconds(change), $"{Milliseconds(build)} (all)", change / build, "");
    }

    // With the thousand others there, as in life.
    private static async Task MeasurePathAsync(Report report, NetworkTools tools, NetworkNaming naming, string machine, string other)
    {
        await using var server = await BareKestrel.StartAsync(["/usr/bin/nsenter", $"--net={NetworkNaming.NamespacePath(other)}", "--"], Server);
        var port = server.Http.BaseAddress!.Port;
        var rows = new VipRows();
        rows.Apply(Cluster());
        var plan = VipPlan.Of(rows.ToTable(), rows.Range, "n0");
        var place = new IPEndPoint(IPAddress.Parse(Server), port);
        var key = new VipKey(IPAddress.Parse(Vip), "tcp", 80);
        await new KernelVips(tools, naming).ApplyAsync(plan with { Targets = plan.Targets.Add(key, new VipTargets([place], [place])) });
        foreach (var keep in new[] { true, false })
        {
            var (direct, through) = (new List<(double Rate, double Tail)>(), new List<(double Rate, double Tail)>());
            for (var round = 0; round < Rounds; round++)
            {
                direct.Add(await AskAsync(machine, $"{Server}:{port}", keep));
                through.Add(await AskAsync(machine, $"{Vip}:80", keep));
            }
            var what = keep ? "keep-alive" : "a connection each";
            var (ours, bare) = (Report.Median(through.Select(result => result.Rate)), Report.Median(direct.Select(result => result.Rate)));
            report.Add($"(h) requests through a virtual IP, 1 KB, {what}", $"{ours:0}/s", $"{bare:0}/s (direct)", ours / bare, "");
            var (oursTail, bareTail) = (Report.Median(through.Select(result => result.Tail)), Report.Median(direct.Select(result => result.Tail)));
            report.Add($"(h) requests through a virtual IP, 1 KB, {what}, 99 % within", $"{oursTail:0.0} ms", $"{bareTail:0.0} ms (direct)", oursTail / bareTail, "");
        }
    }

    private static EndpointUpdate Cluster()
    {
        const string Version = "2026-01-01T00:00:00.000Z";
        return new EndpointUpdate
        {
            Reset = true,
            Cluster = new EndpointCluster { Id = "bench", Framework = "marathon" },
            Nodes = [.. Enumerable.Range(0, Backends + 1).Select(n => new EndpointNode { Id = $"n{n}", Hostname = $"n{n}", Address = $"10.1.0.{n + 1}", State = "connected" })],
            Services = [.. Enumerable.Range(0, Vips).Select(i => new EndpointService
            {
                Id = $"/app{i}", ConfigVersion = Version, Networks = [new EndpointNetwork()], Ports = [new EndpointPort { Labels = new() { ["VIP_0"] = $"/app{i}:80" } }],
            })],
            Tasks = [.. Enumerable.Range(0, Vips * Backends).Select(i => new EndpointTask
            {
                Id = $"app{i / Backends}.{i % Backends}", ServiceId = $"/app{i / Backends}", ConfigVersion = Version, NodeId = $"n{1 + (i % Backends)}", State = "TASK_RUNNING", Ready = true,
                Ports = [new EndpointTaskPort { HostPort = 20000 + i, ContainerPort = 20000 + i }],
            })],
        };
    }

    private static async Task<(double Rate, double Tail)> AskAsync(string machine, string address, bool keep)
    {
        using var wrk = Process.Start(new ProcessStartInfo("/usr/bin/nsenter",
            [$"--net={NetworkNaming.NamespacePath(machine)}", "--", "/usr/bin/wrk", "-t1", "-c64", $"-d{Seconds}s", "--latency", .. keep ? Array.Empty<string>() : ["-H", "Connection: close"], $"http://{address}/1024"])
        { RedirectStandardOutput = true })!;
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        var tail = Regex.Match(output, @"99%\s+([\d.]+)(us|ms|s)");
        if (!tail.Success || output.Contains("Non-2xx", StringComparison.Ordinal))
        {
            throw new InvalidOperationException("not every request was answered:\n" + output);
        }
        return (Number(Regex.Match(output, @"Requests/sec:\s+([\d.]+)").Groups[1].Value),
            Number(tail.Groups[1].Value) * tail.Groups[2].Value switch { "us" => 0.001, "s" => 1000, _ => 1 });
    }

    private static double Time(Action work)
    {
        var from = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(from).TotalMilliseconds;
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var from = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(from).TotalMilliseconds;
    }

    private static string Milliseconds(double value) => value.ToString("0.0", CultureInfo.InvariantCulture) + " ms";

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
