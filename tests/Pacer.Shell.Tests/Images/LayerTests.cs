using System.Formats.Tar;
using CsCheck;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Layers;

namespace Pacer.Shell.Tests.Images;

/// <summary>Layers as directories, seen through overlayfs.</summary>
public sealed class LayerTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pacer-layers-test-").FullName;
    private int _last;

    public LayerTests() => Assert.SkipUnless(Libc.GetUid() == 0, "unpacking layers takes root");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private async Task<string> UnpackAsync(TestLayer layer)
    {
        var directory = Directory.CreateDirectory($"{_root}/layer{_last++}").FullName;
        var archive = layer.ToArray();
        await LayerArchive.UnpackAsync(new MemoryStream(archive), TestRegistry.Digest(archive), directory, default);
        return directory;
    }

    /// <summary>Calls <paramref name="look"/> with the layers on top of each other, the last on top.</summary>
    private void Stacked(Action<string> look, params string[] layers)
    {
        var roots = new ImageRoots(new OciPaths($"{_root}/work", $"{_root}/run"));
        try
        {
            look(roots.Mount("c", [.. layers.Reverse()]));
        }
        finally
        {
            roots.Remove("c");
        }
        Assert.DoesNotContain(_root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unpack_Attributes_AreThoseOfTheArchive()
    {
        using var layer = new TestLayer();
        var directory = await UnpackAsync(layer.Directory("d", (UnixFileMode)0x1C0, uid: 7)
            .File("d/su", "x", (UnixFileMode)0x9ED, 12, 34).Link("d/link", "/etc/passwd").HardLink("d/same", "d/su")
            .Add(TarEntryType.Fifo, "d/fifo", entry => entry.Mode = (UnixFileMode)0x1B6).File("./deep/er/file", "y").File("d/su2", ""));
        Assert.Equal("drwx------ 7 0|-rwsr-xr-x 12 34|-rwsr-xr-x 12 34|prw-rw-rw- 0 0|/etc/passwd|1600000000|2", (await ShellAsync(
            $"cd {directory}; for f in d d/su d/same d/fifo; do stat -c '%A %u %g' $f; done | paste -sd'|'; readlink d/link; stat -c %Y d; stat -c %h d/su")).Trim().Replace('\n', '|'));
        Assert.Equal("y", File.ReadAllText($"{directory}/deep/er/file"));
    }

    [Fact]
    public async Task Stack_DeletionsAndReplacements_AreSeenAsInDocker()
    {
        using var lower = new TestLayer();
        using var upper = new TestLayer();
        var layers = new[]
        {
            await UnpackAsync(lower.Directory("keep").File("keep/gone", "1").File("keep/stays", "1").Directory("emptied").File("emptied/a", "1").File("emptied/b", "1")
                .File("becomes-dir", "1").Directory("becomes-file").File("becomes-file/a", "1").File("twice", "1").File("twice", "2")),
            await UnpackAsync(upper.File("keep/.wh.gone", "").Directory("emptied").File("emptied/.wh..wh..opq", "").File("emptied/c", "2")
                .Directory("becomes-dir").File("becomes-dir/x", "2").File("becomes-file", "2").File(".wh..wh.plnk", "")),
        };
        Stacked(
            root =>
            {
                Assert.Equal(["stays"], Names($"{root}/keep"));
                Assert.Equal(["c"], Names($"{root}/emptied"));
                Assert.Equal(["x"], Names($"{root}/becomes-dir"));
                Assert.Equal(("2", "2"), (File.ReadAllText($"{root}/becomes-file"), File.ReadAllText($"{root}/twice")));
                File.WriteAllText($"{root}/keep/stays", "written");
            },
            layers);
        Assert.Equal("1", File.ReadAllText($"{layers[0]}/keep/stays"));
    }

    [Fact]
    public async Task Stack_VeryManyLayers_Works()
    {
        var layers = new List<string>();
        for (var i = 0; i < 110; i++)
        {
            using var layer = new TestLayer();
            layers.Add(await UnpackAsync(layer.File($"f{i}", "").File("which", $"{i}")));
        }
        Stacked(root => Assert.Equal(("109", 111), (File.ReadAllText($"{root}/which"), Names(root).Count)), [.. layers]);
    }

    [Fact]
    public async Task Unpack_LinkOutOfTheLayer_LandsInsideOfIt()
    {
        using var layer = new TestLayer();
        var directory = await UnpackAsync(layer.Directory(_root[1..]).Link("out", _root).Link("up", "../../..").File("out/a", "1").File("up/b", "2"));
        Assert.Equal("1", File.ReadAllText($"{directory}{_root}/a"));
        Assert.Equal("2", File.ReadAllText($"{directory}/b"));
        Assert.False(File.Exists($"{_root}/a"));
    }

    [Fact]
    public async Task Unpack_MarksOfOverlayfsItself_AreNotTakenOver()
    {
        using var layer = new TestLayer();
        var directory = await UnpackAsync(layer.Add(TarEntryType.CharacterDevice, "white", _ => { })
            .Extended("file", "x", new() { ["SCHILY.xattr.trusted.overlay.redirect"] = "/etc", ["SCHILY.xattr.user.kept"] = "yes" }));
        Assert.Equal(["file"], Names(directory));
        Assert.Equal("user.kept", (await ShellAsync(
            $"python3 -c 'import os; print(*os.listxattr(\"{directory}/file\"))'")).Trim());
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    public async Task Unpack_NameThatLeadsOut_IsRefused(string name)
    {
        using var layer = new TestLayer();
        await Assert.ThrowsAsync<ImageException>(() => UnpackAsync(layer.File(name, "")));
    }

    [Fact]
    public void Unpack_AnyArchive_WritesNothingOutsideOfItsDirectory()
    {
        var outside = Directory.CreateDirectory($"{_root}/outside").FullName;
        File.WriteAllText($"{outside}/file", "before");
        var part = Gen.Shuffle(new[] { "a", "b", "..", ".", "outside", "file", _root[1..], ".wh.a", ".wh..wh..opq" }).Select(parts => parts[0]);
        var path = part.Array[1, 4].Select(parts => string.Join('/', parts));
        var target = Gen.OneOf(path, path.Select(text => "/" + text), Gen.Shuffle(new[] { outside, $"{outside}/file", "../outside", "../outside/file" }).Select(targets => targets[0]));
        Gen.Select(Gen.Int[0, 4], path, target).Array[1, 12].Sample(
            entries =>
            {
                using var layer = new TestLayer();
                foreach (var (kind, name, to) in entries)
                {
                    _ = kind switch
                    {
                        0 => layer.Directory(name),
                        1 => layer.Link(name, to),
                        2 => layer.HardLink(name, to),
                        _ => layer.File(name, "after"),
                    };
                }
                try
                {
                    UnpackAsync(layer).GetAwaiter().GetResult();
                }
                catch (Exception e) when (e is ImageException or IOException)
                {
                    // Refused is as good as kept inside.
                }
                return File.ReadAllText($"{outside}/file") == "before" && Names(outside).Count == 1
                    && Names(_root).All(name => name == "outside" || name.StartsWith("layer", StringComparison.Ordinal));
            },
            iter: 2000, threads: 1);
    }

    private static List<string> Names(string directory) =>
        [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    private static async Task<string> ShellAsync(string script)
    {
        var (code, output) = await ChildProcess.RunAsync("/bin/sh", ["-c", script]);
        Assert.Equal(0, code);
        return output;
    }
}
