using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Pacer.Bench;

/// <summary>
/// (h) Containers with images: how soon they run, alone and many at once, what they take while they do nothing, and how fast an image comes;
/// against bare conmon and crun, and against a Docker daemon of the bench's own.
/// </summary>
internal static class ContainerBench
{
    private const int SingleRounds = 15;
    private const int PullRounds = 3;

    // What every container gets, whoever starts it; Docker's with the same limit of memory.
    private const string Cpus = "0.1";
    private const string Sleep = "exec sleep 100000";

    /// <summary>What is missing here, with the remedy; null: nothing.</summary>
    public static string? Missing =>
        !Environment.IsPrivilegedProcess || !BareContainers.ArePossible ? "root, crun and conmon: apt-get install crun conmon catatonit"
        : !PrivateDocker.IsPossible ? "Docker and a registry: apt-get install docker.io docker-cli docker-registry"
        : !File.Exists("/bin/busybox") ? "busybox: apt-get install busybox-static"
        : null;

    public static async Task MeasureAsync(Report report, string published, CancellationToken cancellationToken)
    {
        await using var docker = await PrivateDocker.StartAsync(cancellationToken);
        await using var registry = await LocalRegistry.StartAsync(docker.NetworkNamespace);
        var image = $"{registry.Host}/bench/busybox:1";
        var pinned = $"{registry.Host}/bench/busybox@{await BenchImage.Busybox().PushAsync(registry.Http, "bench/busybox")}";
        await docker.ClientAsync("pull", "-q", pinned);
        await docker.ClientAsync("tag", pinned, image);
        await using var cluster = await BenchCluster.StartAsync(published);
        // The first container of a node pulls the image and has its filter of system calls made, which later ones share, the bare ones too.
        await cluster.TimeToRunningAsync("/first", 1, App(image, onBridge: false)).WaitAsync(cancellationToken);
        await cluster.RemoveAsync("/first").WaitAsync(cancellationToken);
        foreach (var onBridge in new[] { false, true })
        {
            await SinglesAsync(report, cluster, docker, image, onBridge, cancellationToken);
        }
        await FleetsAsync(report, cluster, docker, image, pinned, cancellationToken);
        await PullsAsync(report, cluster, docker, registry, cancellationToken);
    }

    private static string App(string image, bool onBridge) =>
        $$""","container":{"type":"MESOS","docker":{"image":"{{image}}"}{{(onBridge ? ""","portMappings":[{"containerPort":80,"hostPort":0}]""" : "")}}}"""
        + (onBridge ? ""","networks":[{"mode":"container/bridge"}]""" : "");

    /// <summary>One at a time, its image on the node.</summary>
    private static async Task SinglesAsync(
        Report report, BenchCluster cluster, PrivateDocker docker, string image, bool onBridge, CancellationToken cancellationToken)
    {
        var kind = onBridge ? "bridge" : "host";
        var template = $"tpl-{kind}"; // short: containers are named after the end of their task
        await cluster.TimeToRunningAsync("/" + template, 1, App(image, onBridge), Cpus).WaitAsync(cancellationToken);
        var (pacer, bare, client, engine) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await using (var containers = await BareContainers.LikeAsync(cluster, template, onBridge))
        {
            for (var round = -1; round < SingleRounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var times = new[]
                {
                    (bare, await containers.StartAsync(1, 1)),
                    (pacer, await cluster.TimeToRunningAsync($"/{kind}{round + 1}", 1, App(image, onBridge), Cpus).WaitAsync(cancellationToken)),
                    (client, await RunByClientAsync(docker, image, onBridge)),
                    (engine, await RunByEngineAsync(docker, image, onBridge)),
                };
                foreach (var (list, took) in times.Where(_ => round >= 0)) // the first of each brings in what the others then have
                {
                    list.Add(took.TotalMilliseconds);
                }
                await cluster.RemoveAsync($"/{kind}{round + 1}").WaitAsync(cancellationToken);
                await containers.RemoveAllAsync();
            }
        }
        await cluster.RemoveAsync("/" + template).WaitAsync(cancellationToken);
        var ours = Report.Median(pacer);
        var what = $"(h) image, {(onBridge ? "bridge and a port" : "host network")}: POST → TASK_RUNNING";
        report.Add(what, $"{ours:0.0} ms", $"{Report.Median(bare):0.0} ms (conmon + crun{(onBridge ? " + ip + nft" : "")})", ours / Report.Median(bare), "≤ 1.5×");
        report.Add(what, $"{ours:0.0} ms", $"{Report.Median(client):0.0} ms (docker run -d)", ours / Report.Median(client), "");
        report.Add(what, $"{ours:0.0} ms", $"{Report.Median(engine):0.0} ms (Docker Engine API)", ours / Report.Median(engine), "");
    }

    private static async Task<TimeSpan> RunByClientAsync(PrivateDocker docker, string image, bool onBridge)
    {
        string[] network = onBridge ? ["-p", "80"] : ["--network", "host"];
        var (took, id) = await docker.ClientAsync(["run", "-d", "--cpus", Cpus, "--memory", "32m", .. network, image, "sh", "-c", Sleep]);
        await docker.SendAsync(HttpMethod.Delete, $"/containers/{id}?force=1");
        return took;
    }

    private static async Task<TimeSpan> RunByEngineAsync(PrivateDocker docker, string image, bool onBridge)
    {
        var request = new JsonObject
        {
            ["Image"] = image,
            ["Cmd"] = new JsonArray("sh", "-c", Sleep),
            ["HostConfig"] = new JsonObject { ["NetworkMode"] = onBridge ? "bridge" : "host", ["Memory"] = 32 << 20, ["NanoCpus"] = 100_000_000 },
        };
        if (onBridge)
        {
            request["ExposedPorts"] = new JsonObject { ["80/tcp"] = new JsonObject() };
            request["HostConfig"]!["PortBindings"] = new JsonObject { ["80/tcp"] = new JsonArray(new JsonObject { ["HostPort"] = "" }) };
        }
        var since = Stopwatch.StartNew();
        var id = (await docker.SendAsync(HttpMethod.Post, "/containers/create", request))!["Id"];
        await docker.SendAsync(HttpMethod.Post, $"/containers/{id}/start");
        var took = since.Elapsed;
        await docker.SendAsync(HttpMethod.Delete, $"/containers/{id}?force=1");
        return took;
    }

    /// <summary>Many at once, and what they take while they sleep.</summary>
    private static async Task FleetsAsync(
        Report report, BenchCluster cluster, PrivateDocker docker, string image, string pinned, CancellationToken cancellationToken)
    {
        var (ours, theirs) = ((Kilobytes: 0.0, Containers: 1), (Kilobytes: 0.0, Containers: 1));
        await cluster.TimeToRunningAsync("/tpl-fleet", 1, App(image, onBridge: false), Cpus).WaitAsync(cancellationToken);
        await using var containers = await BareContainers.LikeAsync(cluster, "tpl-fleet", onBridge: false);
        foreach (var (instances, rounds) in new[] { (50, 3), (100, 2) })
        {
            var (pacer, bare, swarm) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round < rounds; round++)
            {
                var name = $"fleet{instances}-{round}";
                pacer.Add((await cluster.TimeToRunningAsync("/" + name, instances, App(image, onBridge: false), Cpus).WaitAsync(cancellationToken)).TotalSeconds);
                ours = BareContainers.MemoryOutside(cluster.DataDirectory);
                await cluster.RemoveAsync("/" + name).WaitAsync(cancellationToken);

                bare.Add((await containers.StartAsync(instances, 4 * Environment.ProcessorCount)).TotalSeconds);
                await containers.RemoveAllAsync();
                cancellationToken.ThrowIfCancellationRequested();

                swarm.Add((await docker.TimeServiceAsync(name, pinned, instances, cancellationToken)).TotalSeconds);
                theirs = docker.MemoryOutside();
                await docker.RemoveServiceAsync(name, cancellationToken);
            }
            var (median, against) = (Report.Median(pacer), Report.Median(swarm));
            var what = $"(h) {instances} instances of an image, host network → all running";
            report.Add(what, $"{median:0.00} s", $"{Report.Median(bare):0.00} s (bare loop)", median / Report.Median(bare), "≤ 1.3×");
            report.Add(what, $"{median:0.00} s", $"{against:0.00} s (Docker Swarm, {against / median:0.0} times as long)",
                median / against, "≤ 0.067× (15 times)");
        }
        var (perTask, perContainer) = (ours.Kilobytes / ours.Containers / 1024, theirs.Kilobytes / theirs.Containers / 1024);
        report.Add("(h) memory outside per idle container (monitor and init, PSS)", $"{perTask:0.00} MB", $"{perContainer:0.00} MB (containerd-shim)", perTask / perContainer, "");
    }

    /// <summary>An image that nobody has yet; each round another one.</summary>
    private static async Task PullsAsync(Report report, BenchCluster cluster, PrivateDocker docker, LocalRegistry registry, CancellationToken cancellationToken)
    {
        var (pacer, client) = (new List<double>(), new List<double>());
        var megabytes = 0L;
        for (var round = 0; round < PullRounds; round++)
        {
            var large = BenchImage.Large([70, 40, 20, 8]);
            megabytes = large.Bytes >> 20;
            await large.PushAsync(registry.Http, $"bench/large{round}");
            cancellationToken.ThrowIfCancellationRequested();
            var image = $"{registry.Host}/bench/large{round}:1";
            async Task OursAsync()
            {
                pacer.Add((await cluster.TimeToRunningAsync($"/large{round}", 1, App(image, onBridge: false), Cpus).WaitAsync(cancellationToken)).TotalSeconds);
                await cluster.RemoveAsync($"/large{round}").WaitAsync(cancellationToken);
            }
            async Task TheirsAsync()
            {
                client.Add((await docker.ClientAsync("pull", "-q", image)).Took.TotalSeconds);
                await docker.ClientAsync("rmi", image);
            }
            // In turns, so that none always meets the disk as the other left it.
            foreach (var step in round % 2 == 0 ? new[] { OursAsync, TheirsAsync } : [TheirsAsync, OursAsync])
            {
                await step();
            }
        }
        var (ours, theirs) = (Report.Median(pacer), Report.Median(client));
        report.Add($"(h) image of {megabytes} MB: POST → pulled, unpacked and TASK_RUNNING", $"{ours:0.00} s", $"{theirs:0.00} s (docker pull)", ours / theirs, "≤ 1×");
    }
}
