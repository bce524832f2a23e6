namespace Pacer.Scenarios;

/// <summary>What the containers of a pod see of the kernel by their <c>linuxInfo</c>.</summary>
public sealed class LinuxInfoScenarios(OneNode cluster) : PodScenario<OneNode>(cluster)
{
    private const string Report = "stat -f -c '%b %S' /dev/shm > shm && readlink /proc/self/ns/ipc > ipc; exec sleep 1000";
    private const string Parent = "\"linuxInfo\":{\"ipcInfo\":{\"mode\":\"SHARE_PARENT\"}}";

    [Fact(DisplayName = "IPC-02: containers that share with their pod have a /dev/shm of its size")]
    public async Task IPC_02()
    {
        var ids = await LaunchAsync("\"linuxInfo\":{\"ipcInfo\":{\"mode\":\"PRIVATE\",\"shmSize\":16}}", Container("one", Report, Parent), Container("two", Report, Parent));
        var sizes = new List<long>();
        foreach (var id in ids)
        {
            var parts = (await ReadAsync(id, "shm")).Split(' ').Select(long.Parse).ToArray();
            sizes.Add(parts[0] * parts[1]);
        }
        Assert.Equal([16L << 20, 16L << 20], sizes);
    }

    [Fact(DisplayName = "IPC-03: containers that share with their pod are in one IPC namespace, which is not the node's")]
    public async Task IPC_03()
    {
        var ids = await LaunchAsync("\"linuxInfo\":{\"ipcInfo\":{\"mode\":\"PRIVATE\",\"shmSize\":16}}",
            Container("one", Report, Parent), Container("two", Report), Container("alone", Report, "\"linuxInfo\":{\"ipcInfo\":{\"mode\":\"PRIVATE\"}}"));
        var one = await ReadAsync(ids[0], "ipc");
        var node = File.ResolveLinkTarget("/proc/self/ns/ipc", false)!.Name;
        Assert.Equal(one, await ReadAsync(ids[1], "ipc"));
        Assert.Equal(3, new HashSet<string>([one.Trim(), (await ReadAsync(ids[2], "ipc")).Trim(), node]).Count);
        await RemoveAsync();
        var left = Path.Combine(Cluster.Nodes[0].Options.RunDir!, "ipc");
        await Waiting.UntilAsync(() => Task.FromResult(!Directory.EnumerateFileSystemEntries(left).Any()), "nothing of the pod's namespace is left");
        Assert.DoesNotContain(left, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "SECCOMP-03: a container of a pod runs under the node's profile that it names")]
    public async Task SECCOMP_03()
    {
        var profiles = Directory.CreateDirectory(Cluster.Nodes[0].Options.SeccompProfiles!).FullName;
        File.WriteAllText(Path.Combine(profiles, "nodir"), """
            {"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[],"includes":{},"excludes":{} }]}
            """);
        var ids = await LaunchAsync("", Container("one", Try, "\"linuxInfo\":{\"seccomp\":{\"profileName\":\"nodir\",\"unconfined\":false}}"));
        Assert.Equal("refused\n", await ReadAsync(ids[0], "answer"));
    }

    [Fact(DisplayName = "SECCOMP-04: a container of a pod without a filter runs")]
    public async Task SECCOMP_04()
    {
        var ids = await LaunchAsync("", Container("one", Try, "\"linuxInfo\":{\"seccomp\":{\"unconfined\":true}}"));
        Assert.Equal("made\n", await ReadAsync(ids[0], "answer"));
    }

    private const string Try = "mkdir made 2>/dev/null && echo made > answer || echo refused > answer; exec sleep 1000";

    private async Task<List<string>> LaunchAsync(string member, params string[] containers)
    {
        var nodes = (await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray();
        Assert.SkipUnless(nodes[0]!["runtimes"]!.AsArray().Any(runtime => runtime!.ToString() == "mesos") && Environment.IsPrivilegedProcess,
            "namespaces and filters need root and a container runtime");
        await DeployAsync(Pod("/pod", member.Length > 0 ? [member, .. containers] : containers));
        return TaskIds(Instances(await StableAsync("/pod")).Single());
    }

    private async Task<string> ReadAsync(string taskId, string file)
    {
        var path = Path.Combine(Sandbox(taskId), file);
        await Waiting.UntilAsync(() => Task.FromResult(new FileInfo(path) is { Exists: true, Length: > 0 }), $"{taskId} writes {file}");
        return await File.ReadAllTextAsync(path);
    }

    private async Task RemoveAsync()
    {
        await Cluster.SendAsync("DELETE", "/v2/pods/pod");
        await Waiting.UntilAsync(async () => (await Cluster.SendAsync("GET", "/v2/pods")).Body!.AsArray().Count == 0, "the pod is gone");
    }
}
