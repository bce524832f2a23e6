using System.Formats.Tar;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Sessions;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Containers;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>Links and pipes in a sandbox, by which a task would have the agent (root) read or write the node's files for it.</summary>
public sealed class SandboxTricksTests : IDisposable
{
    private const string Secret = "hush-e7b1c0";

    private readonly string _root = Directory.CreateTempSubdirectory("pacer-tricks-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static OpenSession Read(string path, bool follow) =>
        new() { TaskId = "web.1", Read = new ReadFile { Path = path, Length = -1, Follow = follow } };

    [Theory]
    [InlineData("file")]
    [InlineData("dir/file")]
    [InlineData("stdout")]
    public async Task Follow_FileBecomesALinkToTheNodes_NothingOfItIsSent(string file)
    {
        await using var bench = await AgentBench.StartAsync();
        Directory.CreateDirectory($"{_root}/outside");
        // Longer than the file: what comes after is what would be sent.
        File.WriteAllText($"{_root}/outside/file", new string('x', 100) + Secret);
        var swap = file == "dir/file" ? $"mv dir old; ln -s {_root}/outside dir" : $"ln -s {_root}/outside/file new; mv new {file}";
        bench.Server.Launch(AgentBench.Shell("web.1", $"mkdir dir; echo one > {file}; while ! test -e go; do sleep 0.02; done; {swap}; touch swapped; "
            + "while ! test -e end; do sleep 0.02; done; exit 3"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await AgentBench.UntilAsync(() => File.Exists($"{bench.SandboxOf("web.1")}/{file}"), "the file is there");
        using var session = await bench.Server.OpenAsync(Read(file, follow: true));
        await session.ReadUntilAsync(s => s.Output == "one\n");
        File.WriteAllText($"{bench.SandboxOf("web.1")}/go", "");
        await AgentBench.UntilAsync(() => File.Exists($"{bench.SandboxOf("web.1")}/swapped"), "the link is there");
        File.WriteAllText($"{bench.SandboxOf("web.1")}/end", "");
        await session.ReadToEndAsync();
        Assert.Equal("one\n", session.Output);
        using var later = await (await bench.Server.OpenAsync(Read(file, follow: false))).ReadToEndAsync();
        Assert.Equal(("", "not-found"), (later.Output, later.End!.ErrorKind));
    }

    [Fact]
    public async Task Browse_DirectoryIsSwappedForALinkAllTheTime_NothingOutsideIsListed()
    {
        var sandbox = Directory.CreateDirectory($"{_root}/sandbox").FullName;
        Directory.CreateDirectory($"{sandbox}/dir");
        Directory.CreateDirectory($"{_root}/outside");
        File.WriteAllText($"{sandbox}/dir/inside", "");
        File.WriteAllText($"{_root}/outside/secret", "");
        using var stop = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move($"{sandbox}/dir", $"{sandbox}/aside");
                File.CreateSymbolicLink($"{sandbox}/dir", $"{_root}/outside");
                File.Delete($"{sandbox}/dir");
                Directory.Move($"{sandbox}/aside", $"{sandbox}/dir");
            }
        });
        var listed = 0;
        for (var i = 0; i < 20_000 || listed == 0; i++)
        {
            try
            {
                var entries = FileBrowser.List(sandbox, "dir").Entries;
                Assert.DoesNotContain(entries, entry => entry.Path.Contains("secret", StringComparison.Ordinal));
                listed++;
            }
            catch (SessionException)
            {
                // Not there at this moment, or a link to the outside, and said so.
            }
        }
        await stop.CancelAsync();
        await swapping;
    }

    [Fact]
    public async Task Browse_PipeOrSocketOrDevice_IsListedAndNotOpened()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "mkfifo pipe; exit 0"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskFinished);
        using var list = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "web.1", Browse = new BrowseFiles { Path = "pipe" } })).ReadToEndAsync();
        Assert.StartsWith("p", Assert.Single(list.Entries!.Entries).Mode, StringComparison.Ordinal);
        using var read = await (await bench.Server.OpenAsync(Read("pipe", follow: false))).ReadToEndAsync();
        Assert.Equal("refused", read.End!.ErrorKind);
    }

    [Fact]
    public void Image_UserDatabaseIsAPipeOrALinkToTheNodes_IsNotRead()
    {
        File.WriteAllText($"{_root}/secret", Secret);
        Directory.CreateDirectory($"{_root}/image/etc");
        Assert.Equal(0, Libc.MakeNode($"{_root}/image/etc/pipe", Libc.Fifo | 0x1A4, 0, 0));
        File.CreateSymbolicLink($"{_root}/image/etc/absolute", $"{_root}/secret");
        File.CreateSymbolicLink($"{_root}/image/etc/relative", "../../../secret");
        File.CreateSymbolicLink($"{_root}/image/etc/magic", "/proc/self/environ");
        File.WriteAllText($"{_root}/image/etc/passwd", "root:x:0:0::/:/bin/sh\n");
        using var root = RootedDirectory.Open($"{_root}/image");
        foreach (var name in (string[])["pipe", "absolute", "relative", "magic", "missing"])
        {
            Assert.Null(root.ReadText($"/etc/{name}"));
        }
        Assert.Equal("root:x:0:0::/:/bin/sh\n", root.ReadText("/etc/passwd"));
    }

    /// <summary>Each link is fine when it is made; together they lead out.</summary>
    private static void WriteBentLinks(string archive, string link, string outside)
    {
        using var writer = new TarWriter(File.Create(archive));
        writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, link)
        {
            LinkName = string.Concat(Enumerable.Range(0, 30).Select(i => $"p{i}/")) + string.Concat(Enumerable.Repeat("../", 30)) + outside.TrimStart('/'),
        });
        for (var i = 0; i < 30; i++)
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, $"p{i}") { LinkName = "." });
        }
    }

    [Theory]
    [InlineData(".tmp")]
    [InlineData("stdout")]
    [InlineData("data")]
    public async Task Archive_LinksThatTogetherLeadOut_FailTheTask(string link)
    {
        await using var bench = await AgentBench.StartAsync();
        Directory.CreateDirectory($"{_root}/outside");
        WriteBentLinks($"{_root}/bent.tar", link, $"{_root}/outside");
        bench.Server.Launch(AgentBench.Shell("web.1", "echo written", spec => spec.Fetch.Add(new Artifact { Uri = $"{_root}/bent.tar", Extract = true })));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        Assert.Contains($"Failed to extract {_root}/bent.tar: the archive's link '{link}' leads out of the sandbox", end.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries($"{_root}/outside"));
    }

    [Fact]
    public async Task PrivateTmp_IsALinkInTheSandbox_IsReplacedAndNotFollowed()
    {
        await using var lab = await RuntimeLab.CreateAsync("oci");
        var outside = Directory.CreateDirectory($"{_root}/outside").FullName;
        var mode = File.GetUnixFileMode(outside);
        var plan = lab.Sh("c1", "echo mine > /tmp/file");
        File.CreateSymbolicLink($"{plan.Sandbox}/.tmp", outside);
        await lab.RunAsync(plan);
        Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
        Assert.Equal(mode, File.GetUnixFileMode(outside));
        Assert.Equal("mine\n", lab.Read(plan, ".tmp/file"));
    }
}
