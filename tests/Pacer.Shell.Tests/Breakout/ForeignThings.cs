using System.Text.Json.Nodes;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Networks;
using Pacer.Shell.Tests.Docker;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>
/// What somebody else runs on the machine, with the same tools and with names that begin as an agent's do: a container by crun, a cgroup, a
/// mount, a network namespace, an interface with an address, a firewall table, a Docker container.
/// </summary>
internal sealed class ForeignThings : IAsyncDisposable
{
    private static readonly NetworkTools Tools = new();

    private readonly string _directory;
    private readonly string _name = $"pf{Environment.ProcessId}";

    private readonly DockerDaemon? _docker;

    private ForeignThings(string directory, DockerDaemon? docker) => (_directory, _docker) = (directory, docker);

    private string Cgroup => $"/pacer-{_name}";

    private string[] InCrun => [$"--root={_directory}/crun"];

    public static async Task<ForeignThings> MakeAsync(string directory, DockerDaemon docker)
    {
        var things = new ForeignThings(directory, docker.IsAvailable ? docker : null);
        try
        {
            await things.MakeAsync();
            return things;
        }
        catch
        {
            await things.DisposeAsync();
            throw;
        }
    }

    private async Task MakeAsync()
    {
        var bundle = Directory.CreateDirectory($"{_directory}/bundle").FullName;
        Directory.CreateDirectory($"{bundle}/rootfs/bin");
        File.Copy("/bin/busybox", $"{bundle}/rootfs/bin/busybox");
        await DemandAsync("crun", "spec", "--bundle", bundle);
        var config = JsonNode.Parse(await File.ReadAllTextAsync($"{bundle}/config.json"))!;
        config["process"]!["args"] = new JsonArray("/bin/busybox", "sleep", "1000");
        config["process"]!["terminal"] = false;
        config["linux"]!["cgroupsPath"] = Cgroup + "-crun";
        await File.WriteAllTextAsync($"{bundle}/config.json", config.ToJsonString());
        await DemandAsync("/bin/sh", "-c", $"exec crun {InCrun[0]} run --detach --bundle {bundle} {_name} </dev/null >/dev/null 2>&1");

        foreach (var hierarchy in CgroupLayout.Detect().Hierarchies)
        {
            Directory.CreateDirectory(hierarchy + Cgroup);
        }
        Directory.CreateDirectory($"{_directory}/mount");
        Assert.Equal(0, Libc.Mount("pacer", $"{_directory}/mount", "tmpfs", 0, null));
        await File.WriteAllTextAsync($"{_directory}/mount/file", "");
        await Tools.DemandAsync("ip", ["-batch", "-"], $"""
            netns add {_name}
            link add {_name} type bridge
            addr add 192.0.2.77/32 dev {_name}

            """);
        await Tools.DemandAsync("nft", ["-f", "-"], $$"""
            table inet pacer_{{_name}} {
              chain c { ip daddr 192.0.2.78 counter comment "pacer-{{_name}}"; }
            }

            """);
        if (_docker is not null)
        {
            var container = await _docker.SendAsync("POST", $"/containers/create?name=pacer-{_name}", new JsonObject
            {
                ["Image"] = _docker.Image, ["Cmd"] = new JsonArray("sleep", "1000"), ["Labels"] = new JsonObject { ["pacer.task"] = "web.1" },
                ["HostConfig"] = new JsonObject { ["NetworkMode"] = "none" },
            });
            await _docker.SendAsync("POST", $"/containers/{container!["Id"]}/start");
        }
    }

    /// <summary>How it all is; the same text as long as nobody touched it.</summary>
    public async Task<string> LookAsync()
    {
        var state = JsonNode.Parse((await Tools.RunAsync("crun", [.. InCrun, "state", _name])).Output)!;
        var addresses = (await Tools.RunAsync("ip", ["-o", "addr", "show", "dev", _name])).Output;
        var table = (await Tools.RunAsync("nft", ["list", "table", "inet", $"pacer_{_name}"])).Output;
        var container = _docker is null ? null : (await _docker.SendAsync("GET", $"/containers/pacer-{_name}/json"))!["State"]!;
        return string.Join('\n',
        [
            $"{state["status"]} {state["pid"]}", addresses, table,
            .. CgroupLayout.Detect().Hierarchies.Select(hierarchy => $"{hierarchy} {Directory.Exists(hierarchy + Cgroup)}"),
            $"mount {File.Exists($"{_directory}/mount/file")}", $"netns {File.Exists(NetworkNaming.NamespacePath(_name))}",
            $"docker {container?["Status"]} {container?["Pid"]}",
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_docker is not null && (await _docker.NamesAsync()).Contains($"pacer-{_name}"))
        {
            await _docker.SendAsync("DELETE", $"/containers/pacer-{_name}?force=1");
        }
        await Tools.RunAsync("crun", [.. InCrun, "delete", "--force", _name]);
        await Tools.RunAsync("nft", ["delete", "table", "inet", $"pacer_{_name}"]);
        await Tools.RunAsync("ip", ["-force", "-batch", "-"], $"netns del {_name}\nlink del {_name}\n");
        _ = Libc.Unmount($"{_directory}/mount", Libc.UnmountDetach);
        foreach (var hierarchy in CgroupLayout.Detect().Hierarchies.Where(hierarchy => Directory.Exists(hierarchy + Cgroup)))
        {
            Directory.Delete(hierarchy + Cgroup);
        }
    }

    private static async Task DemandAsync(string tool, params string[] arguments) => await Tools.DemandAsync(tool, arguments);
}
