using System.Text;
using Pacer.Agent.Containers;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>Commands beside a container's own, in both runtimes.</summary>
public sealed class ExecTests
{
    public static readonly TheoryData<string> Isolations = ["oci", "process"];

    [Theory]
    [MemberData(nameof(Isolations))]
    public async Task Exec_Pipes_CarryInputBothOutputsAndTheCode(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        var plan = await SleeperAsync(lab);
        await using var exec = await lab.Runtime.ExecAsync("c1", Plan("cat; pwd; echo $A $B; echo err >&2; exit 9"), default);
        await exec.Input.WriteAsync("typed\n"u8.ToArray());
        await exec.Input.DisposeAsync();
        Assert.Equal($"typed\n{plan.Sandbox}\ncontainer exec\n", await ReadAsync(exec.Output));
        Assert.Equal("err\n", await ReadAsync(exec.ErrorOutput));
        Assert.Equal(9, await exec.WaitAsync(default));
    }

    [Fact]
    public async Task Exec_Rights_AreThoseOfTheContainer()
    {
        await using var lab = await RuntimeLab.CreateAsync("oci");
        await SleeperAsync(lab);
        await using var exec = await lab.Runtime.ExecAsync(
            "c1", Plan("grep -E 'NoNewPrivs|CapBnd' /proc/self/status; hostname; id -u") with { User = "nobody" }, default);
        Assert.Equal("CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nc1\n65534\n", await ReadAsync(exec.Output));
    }

    [Theory]
    [MemberData(nameof(Isolations))]
    public async Task Exec_Terminal_HasTheSizeAndFollowsResize(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await SleeperAsync(lab);
        // The command may run a moment before the size is set: crun 1.8 hands the terminal over and goes on at once.
        await using var exec = await lab.Runtime.ExecAsync(
            "c1",
            new(["/bin/sh", "-c", "stty -echo; until test \"$(stty size)\" != '0 0'; do :; done; stty size; tty; read line; echo got $line; stty size; exit 3"], null, null, true, 33, 101),
            default);
        var seen = new StringBuilder();
        await ReadUntilAsync(exec.Output, seen, "/dev/pts/");
        Assert.StartsWith("33 101", seen.ToString(), StringComparison.Ordinal);
        exec.Resize(50, 132);
        // Not before the new size has arrived inside: the runtime passes it on by a signal.
        await ResizedAsync(lab, 50, 132);
        await exec.Input.WriteAsync("hello\n"u8.ToArray());
        await ReadUntilAsync(exec.Output, seen, "50 132");
        Assert.Contains("got hello", seen.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, await exec.WaitAsync(default).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [MemberData(nameof(Isolations))]
    public async Task Exec_DisposedEarly_EndsTheCommandAndItsChildren(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await SleeperAsync(lab);
        var exec = await lab.Runtime.ExecAsync("c1", Plan("sleep 4321 & sleep 4321; true"), default);
        await RuntimeLab.UntilAsync(() => CountOf("sleep\04321\0") == 2);
        await exec.DisposeAsync();
        await RuntimeLab.UntilAsync(() => CountOf("sleep\04321\0") == 0);
        Assert.Equal(RecoveredState.Running, await lab.Runtime.RecoverAsync("c1", "", default));
    }

    [Theory]
    [MemberData(nameof(Isolations))]
    public async Task Exec_Impossible_SaysWhyWithAShellsCode(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await SleeperAsync(lab);
        await using var missing = await lab.Runtime.ExecAsync("c1", new(["nope"], null, null, false, 0, 0), default);
        Assert.StartsWith("exec: 'nope' not found", await ReadAsync(missing.ErrorOutput), StringComparison.Ordinal);
        Assert.Equal(127, await missing.WaitAsync(default));
        await using var gone = await lab.Runtime.ExecAsync("c2", new(["true"], null, null, false, 0, 0), default);
        Assert.Equal("container c2 is not running\n", await ReadAsync(gone.ErrorOutput));
        Assert.Equal(126, await gone.WaitAsync(default));
    }

    private static ExecPlan Plan(string script) =>
        new(["/bin/sh", "-c", script], new Dictionary<string, string> { ["B"] = "exec" }, null, false, 0, 0);

    private static async Task<ContainerPlan> SleeperAsync(RuntimeLab lab)
    {
        var plan = lab.Plan("c1", "sleep", "600") with { Environment = new Dictionary<string, string> { ["A"] = "container", ["B"] = "container" } };
        await lab.Runtime.StartAsync(plan, default);
        return plan;
    }

    private static async Task ResizedAsync(RuntimeLab lab, int rows, int columns)
    {
        for (var i = 0; i < 500; i++)
        {
            await using var look = await lab.Runtime.ExecAsync(
                "c1", Plan($"for t in /dev/pts/[0-9]*; do stty size <$t 2>/dev/null; done | grep -qx '{rows} {columns}'"), default);
            if (await look.WaitAsync(default) == 0)
            {
                return;
            }
        }

        Assert.Fail("the terminal was not resized");
    }

    private static Task<string> ReadAsync(Stream stream) => new StreamReader(stream).ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10));

    private static async Task ReadUntilAsync(Stream stream, StringBuilder seen, string expected)
    {
        var buffer = new byte[1024];
        while (!seen.ToString().Contains(expected, StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.True(read > 0, $"ended after: {seen}");
            seen.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
    }

    private static int CountOf(string commandLine) => Directory.EnumerateDirectories("/proc").Count(d =>
    {
        try
        {
            return char.IsAsciiDigit(d[^1]) && File.ReadAllText($"{d}/cmdline") == commandLine;
        }
        catch (IOException)
        {
            return false;
        }
    });
}
