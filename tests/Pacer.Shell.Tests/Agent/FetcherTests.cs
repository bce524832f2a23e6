using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class FetcherTests : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pacer-fetch-test-").FullName;
    private readonly ArtifactSource _source = new(TimeProvider.System, TimeSpan.FromMilliseconds(1500));
    private readonly FetchCache _cache;
    private readonly Fetcher _fetcher;
    private TestWeb? _web;

    public FetcherTests()
    {
        Directory.CreateDirectory(Sandbox);
        Directory.CreateDirectory(Path.Combine(_root, "cache"));
        _cache = new FetchCache(Path.Combine(_root, "cache"), 1000, _source, TimeProvider.System, CancellationToken.None);
        _fetcher = new Fetcher(_source, _cache, 8);
    }

    private string Sandbox => Path.Combine(_root, "sandbox");

    public async ValueTask DisposeAsync()
    {
        if (_web is not null)
        {
            await _web.DisposeAsync();
        }
        _fetcher.Dispose();
        _source.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private async Task<TestWeb> WebAsync() => _web ??= await TestWeb.StartAsync();

    private Task FetchAsync(params Artifact[] artifacts) => _fetcher.FetchAllAsync(artifacts, Sandbox, NodeUser.Current, CancellationToken.None);

    private string Content(string path) => File.ReadAllText(Path.Combine(Sandbox, path));

    private string Source(string name, string content)
    {
        var path = Path.Combine(_root, name);
        File.WriteAllText(path, content);
        return path;
    }

    [Fact]
    public async Task Fetch_HttpFileAndPath_LandUnderTheirNames()
    {
        var web = await WebAsync();
        web.Files["/a/one.txt"] = "1"u8.ToArray();
        await FetchAsync(
            new Artifact { Uri = web.Url + "/moved/a/one.txt?x=y" },
            new Artifact { Uri = "file://" + Source("two.txt", "2") },
            new Artifact { Uri = Source("three.txt", "3"), DestPath = "deep/er/3" });
        Assert.Equal(("1", "2", "3"), (Content("one.txt"), Content("two.txt"), Content("deep/er/3")));
    }

    [Fact]
    public async Task Fetch_Executable_IsRunnableAndNotExtracted()
    {
        await FetchAsync(new Artifact { Uri = Source("run.gz", "not even packed"), Executable = true, Extract = true });
        Assert.True(File.GetUnixFileMode(Path.Combine(Sandbox, "run.gz")).HasFlag(UnixFileMode.UserExecute | UnixFileMode.OtherExecute));
    }

    [Theory]
    [InlineData("pack.tar", "tar -cf")]
    [InlineData("pack.tar.gz", "tar -czf")]
    [InlineData("pack.tgz", "tar -czf")]
    [InlineData("pack.tar.bz2", "tar -cjf")]
    [InlineData("pack.tbz2", "tar -cjf")]
    [InlineData("pack.tar.xz", "tar -cJf")]
    [InlineData("pack.txz", "tar -cJf")]
    public async Task Extract_Tar_RestoresFilesModesAndLinks(string name, string command)
    {
        var content = Directory.CreateDirectory(Path.Combine(_root, "content", "bin")).FullName;
        File.WriteAllText(Path.Combine(content, "tool"), new string('x', 100_000));
        File.SetUnixFileMode(Path.Combine(content, "tool"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(Path.Combine(_root, "content", "link"), "bin/tool");
        Run($"cd {_root}/content && {command} ../{name} .");
        await FetchAsync(new Artifact { Uri = Path.Combine(_root, name), Extract = true });
        Assert.Equal(100_000, Content("link").Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Sandbox, "bin/tool")));
        Assert.True(File.Exists(Path.Combine(Sandbox, name)));
    }

    [Fact]
    public async Task Extract_GzAndZip_Unpack()
    {
        await using (var gz = new GZipStream(File.Create(Path.Combine(_root, "words.txt.gz")), CompressionMode.Compress))
        {
            gz.Write("hello"u8);
        }
        using (var zip = ZipFile.Open(Path.Combine(_root, "pack.zip"), ZipArchiveMode.Create))
        {
            await using var entry = zip.CreateEntry("in/zip.txt").Open();
            entry.Write("zipped"u8);
        }
        await FetchAsync(
            new Artifact { Uri = Path.Combine(_root, "words.txt.gz"), Extract = true },
            new Artifact { Uri = Path.Combine(_root, "pack.zip"), Extract = true });
        Assert.Equal(("hello", "zipped"), (Content("words.txt"), Content("in/zip.txt")));
    }

    [Theory]
    [InlineData("../evil", TarEntryType.RegularFile, "")]
    [InlineData("a/../../evil", TarEntryType.RegularFile, "")]
    [InlineData("link", TarEntryType.SymbolicLink, "/etc")]
    [InlineData("link", TarEntryType.SymbolicLink, "../..")]
    [InlineData("link", TarEntryType.HardLink, "../secret")]
    [InlineData("pipe", TarEntryType.Fifo, "")]
    public async Task Extract_EntryLeadsOut_IsRefused(string entry, TarEntryType type, string target)
    {
        Source("secret", "s");
        var archive = Path.Combine(_root, "evil.tar");
        await using (var writer = new TarWriter(File.Create(archive)))
        {
            var made = new PaxTarEntry(type, entry);
            if (target.Length > 0)
            {
                made.LinkName = target;
            }
            if (type == TarEntryType.RegularFile)
            {
                made.DataStream = new MemoryStream("x"u8.ToArray());
            }
            writer.WriteEntry(made);
        }
        var refusal = await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = archive, Extract = true }));
        Assert.StartsWith($"Failed to extract {archive}: the archive's", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_root, "evil")));
    }

    [Fact]
    public async Task Extract_WritesThroughALinkOfItsOwn_StaysInside()
    {
        // "d" points inside, so it is allowed; "d/../../evil" would lead out by the kernel's way of following links.
        var archive = Path.Combine(_root, "sly.tar");
        await using (var writer = new TarWriter(File.Create(archive)))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "real/"));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "d") { LinkName = "real" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "d/fine") { DataStream = new MemoryStream("ok"u8.ToArray()) });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "d/../../evil") { DataStream = new MemoryStream("x"u8.ToArray()) });
        }
        await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = archive, Extract = true }));
        Assert.Equal("ok", Content("real/fine"));
        Assert.False(File.Exists(Path.Combine(_root, "evil")));
    }

    [Fact]
    public async Task Extract_ZipEntryLeadsOut_IsRefused()
    {
        var archive = Path.Combine(_root, "evil.zip");
        using (var zip = ZipFile.Open(archive, ZipArchiveMode.Create))
        {
            await using var entry = zip.CreateEntry("../evil").Open();
            entry.Write("x"u8);
        }
        await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = archive, Extract = true }));
    }

    [Theory]
    [InlineData("bad.tar.gz")]
    [InlineData("bad.tar.xz")]
    [InlineData("bad.tar.bz2")]
    [InlineData("bad.tar")]
    [InlineData("bad.zip")]
    public async Task Extract_NotAnArchive_SaysSo(string name)
    {
        var uri = Source(name, "<html>404</html>");
        var failure = await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = uri, Extract = true }));
        Assert.StartsWith($"Failed to extract {uri}: ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nothing", "404 Not Found")]
    [InlineData("/never", "no data for 1.5 seconds")]
    public async Task Fetch_HttpFails_MessageNamesUriAndCause(string path, string cause)
    {
        var web = await WebAsync();
        var failure = await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = web.Url + path }));
        Assert.Equal($"Failed to fetch {web.Url}{path}: {cause}", failure.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Sandbox));
    }

    [Theory]
    [InlineData("hdfs://x/y", "the scheme 'hdfs' is not supported")]
    [InlineData("no uri", "not a URI")]
    [InlineData("/no/such/file", "Could not find")]
    [InlineData("http://127.0.0.1:1/x", "refused")]
    public async Task Fetch_Impossible_MessageSaysWhy(string uri, string cause)
    {
        var failure = await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = uri, DestPath = "x" }));
        Assert.StartsWith($"Failed to fetch {uri}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(cause, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/tmp/x")]
    [InlineData("a/../../x")]
    public async Task Fetch_DestinationOutside_IsRefused(string destination)
    {
        var uri = Source("f", "x");
        var failure = await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = uri, DestPath = destination }));
        Assert.Contains("not a path inside the sandbox", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cache_SameUriAtOnce_IsDownloadedOnce()
    {
        var web = await WebAsync();
        web.Files["/big"] = new byte[500];
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => FetchAsync(new Artifact { Uri = web.Url + "/big", Cache = true, DestPath = $"f{i}" })));
        Assert.Equal(1, web.Requests);
        Assert.Equal(6, Directory.GetFiles(Sandbox).Length);
    }

    [Fact]
    public async Task Cache_Full_ForgetsWhatWasUsedLongestAgo()
    {
        var web = await WebAsync();
        foreach (var name in (string[])["/a", "/b", "/c"])
        {
            web.Files[name] = new byte[400];
            await FetchAsync(new Artifact { Uri = web.Url + name, Cache = true });
        }
        Assert.Equal(800, _cache.Bytes);
        await FetchAsync(new Artifact { Uri = web.Url + "/c", Cache = true }, new Artifact { Uri = web.Url + "/a", Cache = true });
        Assert.Equal(4, web.Requests);
    }

    [Fact]
    public async Task Cache_DownloadFailed_IsTriedAgain()
    {
        var web = await WebAsync();
        await Assert.ThrowsAsync<FetchException>(() => FetchAsync(new Artifact { Uri = web.Url + "/late", Cache = true }));
        web.Files["/late"] = "there"u8.ToArray();
        await FetchAsync(new Artifact { Uri = web.Url + "/late", Cache = true });
        Assert.Equal("there", Content("late"));
    }

    [Fact]
    public async Task Fetch_ForAnotherUser_FilesBelongToIt()
    {
        if (Environment.UserName != "root" || NodeUser.Find("nobody") is not { } nobody)
        {
            Assert.Skip("needs root and a user 'nobody'");
            return;
        }
        await _fetcher.FetchAllAsync([new Artifact { Uri = Source("f", "x") }], Sandbox, nobody, CancellationToken.None);
        Assert.Equal(nobody.Uid, FileStat.OfLink(Path.Combine(Sandbox, "f")).Uid);
    }

    private static void Run(string command)
    {
        using var process = Process.Start("sh", ["-c", command]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
