using System.Runtime.InteropServices;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Images;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>A container tries to get out by all ordinary roads (attempts.py), and to take more than it was given.</summary>
public sealed class BreakoutTests : IAsyncLifetime
{
    private const string Secret = "hush-e7b1c0";

    private TestRegistry _registry = null!;
    private AgentBench _bench = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        _registry = await TestRegistry.StartAsync();
        _bench = await RealContainerTests.StartAsync("oci");
    }

    public async ValueTask DisposeAsync()
    {
        if (_bench is not null)
        {
            await _bench.DisposeAsync();
        }
        if (_registry is not null)
        {
            await _registry.DisposeAsync();
        }
    }

    private static string Script => File.ReadAllText($"{AppContext.BaseDirectory}/Breakout/attempts.py");

    private string Hidden => string.Join(':',
        $"{_bench.Root}/server.sock", _bench.SandboxOf("other.1"),
        $"{_bench.Options.WorkDir}/tasks", $"{_bench.Options.WorkDir}/agent-id", $"{_bench.Options.WorkDir}/runtime/records", $"{_bench.Options.WorkDir}/images",
        $"{_bench.Options.RunDir}/c", $"{_bench.Options.RunDir}/oci", $"{_bench.Options.RunDir}/networks");

    private async Task<TaskSpec> AttemptsAsync(string id, bool image, string user)
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        // The image has no Python: it borrows the node's, with all that belongs to it, from a volume that it can't write to.
        var multiarch = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
        var loader = RuntimeInformation.ProcessArchitecture is Architecture.Arm64
            ? $"/node/lib/{multiarch}/ld-linux-aarch64.so.1" : $"/node/lib/{multiarch}/ld-linux-x86-64.so.2";
        var python = image ? $"PYTHONHOME=/node exec {loader} --library-path /node/lib/{multiarch} /node/bin/python3" : "exec /usr/bin/python3";
        var script = Path.Combine(_bench.Root, "attempts.py");
        await File.WriteAllTextAsync(script, Script);
        var own = Path.Combine(_bench.Root, "own");
        File.Copy("/usr/bin/id", own, overwrite: true);
        File.SetUnixFileMode(own, (UnixFileMode)0x9ED); // 4755
        return AgentBench.Shell(id, $"{python} -B attempts.py", spec =>
        {
            if (image)
            {
                spec.Image = new ImageSpec { Name = $"{_registry.Host}/plain" };
                spec.Mounts.Add(new Mount { Source = "/usr", Destination = "/node", ReadOnly = true });
            }
            spec.User = user;
            spec.Resources.MemoryBytes = 128 << 20;
            spec.Mounts.Add(new Mount { Source = script, Destination = "attempts.py", ReadOnly = true });
            spec.Mounts.Add(new Mount { Source = own, Destination = "own", ReadOnly = true });
            spec.Environment["HOST_PID"] = $"{Environment.ProcessId}";
            spec.Environment["HIDDEN"] = Hidden;
            spec.Environment["SECRET"] = Secret;
            spec.Environment["VIEW"] = image ? "image" : "node";
        });
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(true, "nobody")]
    [InlineData(false, "")]
    [InlineData(false, "nobody")]
    public async Task Container_TriesAllOrdinaryWaysOut_NoneWorks(bool image, string user)
    {
        _bench.Server.Launch(AgentBench.Shell("other.1", $"echo {Secret} > file; exec sleep 1000", spec => spec.Environment["PASSWORD"] = Secret));
        await _bench.Server.WaitForAsync("other.1", TaskState.TaskRunning);
        _bench.Server.Launch(await AttemptsAsync("tries.1", image, user));
        var end = await _bench.Server.WaitForAsync("tries.1", status => status.State is TaskState.TaskFinished or TaskState.TaskFailed, "the end");
        var sandbox = _bench.SandboxOf("tries.1");
        var errors = File.ReadAllText($"{sandbox}/stderr");
        Assert.True(end.State == TaskState.TaskFinished, $"{end.Message}\n{errors}");
        var output = File.ReadAllText($"{sandbox}/stdout");
        Assert.True(output == "done\n", $"{output}\n{errors}");
        // All were tried, so that silence means failure.
        Assert.True(errors.Split('\n').Count(line => line.StartsWith("# ", StringComparison.Ordinal)) > 45, errors);
        Assert.DoesNotContain("Error: ", errors.Replace("OSError", "", StringComparison.Ordinal).Replace("PermissionError", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.False(File.Exists("/etc/broken-out"));
        Assert.Equal(TaskState.TaskRunning, _bench.Server.Of("other.1")[^1].State);
    }
}
