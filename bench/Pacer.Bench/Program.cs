using System.Diagnostics;
using System.Runtime.InteropServices;
using Pacer.Bench;

// Measures the published pacer against what it stands on: bare conmon and crun, bare SQLite. What is compared alternates in one
// run on one machine, so ratios mean something where absolute times do not. Bounded to a few minutes. 'reads' runs that group alone.
if (args is [BareKestrel.Argument, var address])
{
    await BareKestrel.ServeAsync(address);
    return 0;
}
if (args is not ([] or ["reads"] or ["dns"] or ["lb"] or ["vips"] or ["containers"] or ["placement", ..]))
{
    Console.Error.WriteLine("bench: give no argument, or the name of a group: reads, dns, lb, vips, containers, placement.");
    return 1;
}
var onlyReads = args is ["reads"];
var repository = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(repository, "Pacer.slnx")))
{
    repository = Path.GetDirectoryName(repository) ?? throw new InvalidOperationException("run it inside the repository");
}
if (args is ["placement", ..])
{
    return PlacementBench.Run(args[1..], Path.Combine(repository, "bench/results"));
}
if (args is ["vips"])
{
    if (!VirtualIps.ArePossible)
    {
        Console.Error.WriteLine("Virtual IPs by the kernel need root, nftables, iproute2 and wrk: apt-get install nftables iproute2 wrk");
        return 1;
    }
    var vips = new Report();
    await VirtualIps.MeasureAsync(vips);
    vips.Print(Console.Out);
    vips.Store(Path.Combine(repository, "bench/results"), "-vips");
    return 0;
}
var build = Path.Combine(repository, "artifacts/bin/Pacer.Cli/release/pacer");
var published = Path.Combine(repository, "artifacts/publish/pacer");
if (!File.Exists(published) || File.GetLastWriteTimeUtc(published) < File.GetLastWriteTimeUtc(Path.ChangeExtension(build, ".dll")))
{
    using var publish = Process.Start(Path.Combine(repository, "pacer"), "publish");
    publish.WaitForExit();
    if (publish.ExitCode != 0)
    {
        return publish.ExitCode;
    }
}
if (args is ["dns"])
{
    if (!DnsServers.ArePossible)
    {
        Console.Error.WriteLine("The comparison needs dnsmasq and dnsperf: apt-get install dnsmasq-base dnsperf");
        return 1;
    }
    var names = new Report();
    await DnsServers.MeasureAsync(names, published);
    names.Print(Console.Out);
    names.Store(Path.Combine(repository, "bench/results"), "-dns");
    return 0;
}
if (args is ["lb"])
{
    if (!LoadBalancers.ArePossible)
    {
        Console.Error.WriteLine("The comparison needs HAProxy and wrk: apt-get install haproxy wrk");
        return 1;
    }
    var balancers = new Report();
    await LoadBalancers.MeasureAsync(balancers, published);
    balancers.Print(Console.Out);
    balancers.Store(Path.Combine(repository, "bench/results"), "-lb");
    return 0;
}
if (args is ["containers"])
{
    if (ContainerBench.Missing is { } missing)
    {
        Console.Error.WriteLine("The comparison needs " + missing);
        return 1;
    }
    using var interrupt = new CancellationTokenSource();
    void Interrupt(PosixSignalContext signal)
    {
        signal.Cancel = true; // what was started is taken down first
        interrupt.Cancel();
    }
    using var pressed = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
    using var ended = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
    var containers = new Report();
    try
    {
        await ContainerBench.MeasureAsync(containers, published, interrupt.Token);
    }
    catch (OperationCanceledException) when (interrupt.IsCancellationRequested)
    {
        Console.Error.WriteLine("bench: interrupted; everything it started has been removed");
        return 130;
    }
    containers.Print(Console.Out);
    containers.Store(Path.Combine(repository, "bench/results"), "-containers");
    return 0;
}
if (!onlyReads && (!Environment.IsPrivilegedProcess || !BareContainers.ArePossible))
{
    Console.Error.WriteLine("The comparison needs root, crun and conmon: apt-get install crun conmon catatonit");
    return 1;
}

var report = new Report();
try
{
    if (onlyReads)
    {
        await Reads.MeasureAsync(report, published);
        report.Print(Console.Out);
        report.Store(Path.Combine(repository, "bench/results"), "-reads");
        return 0;
    }
    await ColdStart.MeasureAsync(report, published, build);
    await using (var cluster = await BenchCluster.StartAsync(published))
    {
        await Task.Delay(TimeSpan.FromSeconds(2)); // idle is what remains when starting is over
        report.Add("(d) resident memory, idle", $"{cluster.ResidentKilobytes() / 1024.0:0.0} MB", "", null, "≤ 60 MB");
        await using var bare = await BareContainers.LikeOneOfAsync(cluster);
        await SingleLaunch.MeasureAsync(report, cluster, bare);
        await Fleet.MeasureAsync(report, cluster, bare);
        await Requests.MeasureAsync(report, cluster);
    }
    await Memory.MeasureAsync(report, published);
    await Reads.MeasureAsync(report, published);
}
catch (Exception exception) // caught so that everything started is taken down first
{
    Console.Error.WriteLine(exception);
    return 1;
}
report.Print(Console.Out);
report.Store(Path.Combine(repository, "bench/results"));
return 0;
