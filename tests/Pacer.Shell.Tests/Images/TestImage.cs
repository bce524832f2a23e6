using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace Pacer.Shell.Tests.Images;

/// <summary>The archive of one layer.</summary>
internal sealed class TestLayer : IDisposable
{
    private readonly MemoryStream _content = new();
    private readonly TarWriter _tar;

    public TestLayer() => _tar = new TarWriter(_content, TarEntryFormat.Pax, leaveOpen: true);

    public TestLayer File(string path, string text, UnixFileMode mode = (UnixFileMode)0x1A4, int uid = 0, int gid = 0) =>
        Add(TarEntryType.RegularFile, path, entry =>
        {
            entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text));
            (entry.Mode, entry.Uid, entry.Gid) = (mode, uid, gid);
        });

    public TestLayer Program(string path, byte[] content) => Add(TarEntryType.RegularFile, path, entry =>
    {
        entry.DataStream = new MemoryStream(content);
        entry.Mode = (UnixFileMode)0x1ED;
    });

    public TestLayer Directory(string path, UnixFileMode mode = (UnixFileMode)0x1ED, int uid = 0) =>
        Add(TarEntryType.Directory, path, entry => (entry.Mode, entry.Uid) = (mode, uid));

    public TestLayer Link(string path, string target) => Add(TarEntryType.SymbolicLink, path, entry => entry.LinkName = target);

    public TestLayer HardLink(string path, string target) => Add(TarEntryType.HardLink, path, entry => entry.LinkName = target);

    public TestLayer Add(TarEntryType type, string path, Action<PaxTarEntry> change)
    {
        var entry = new PaxTarEntry(type, path) { ModificationTime = DateTimeOffset.FromUnixTimeSeconds(1_600_000_000) };
        change(entry);
        _tar.WriteEntry(entry);
        return this;
    }

    public TestLayer Extended(string path, string text, Dictionary<string, string> attributes)
    {
        _tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path, attributes)
        {
            DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)), Mode = (UnixFileMode)0x1A4,
        });
        return this;
    }

    public byte[] ToArray()
    {
        _tar.Dispose();
        return _content.ToArray();
    }

    public void Dispose() => _tar.Dispose();
}

internal enum Packing { None, Gzip, Zstd }

/// <summary>An image made by hand, to be pushed to a <see cref="TestRegistry"/>.</summary>
internal sealed class TestImage
{
    private readonly List<(byte[] Plain, byte[] Packed)> _layers = [];

    /// <summary>The part of the configuration that says how to run it.</summary>
    public JsonObject Config { get; init; } = [];

    public string Architecture { get; init; } = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture
        is System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    public IReadOnlyList<string> DiffIds => [.. _layers.Select(layer => TestRegistry.Digest(layer.Plain))];

    /// <summary>The archive of the last layer, not packed.</summary>
    public byte[] TopLayer => _layers[^1].Plain;

    public IReadOnlyList<string> BlobDigests => [.. _layers.Select(layer => TestRegistry.Digest(layer.Packed))];

    /// <summary>An image with a shell and the usual tools, and users root, nobody and app (uid 1234, groups 1235 and 1236).</summary>
    public static TestImage Busybox(JsonObject? config = null)
    {
        const string program = "/bin/busybox";
        Assert.SkipUnless(System.IO.File.Exists(program), "busybox-static is not installed (apt-get install busybox-static)");
        using var layer = new TestLayer();
        layer.Directory("bin").Program("bin/busybox", System.IO.File.ReadAllBytes(program)).Directory("etc").Directory("tmp", (UnixFileMode)0x3FF).Directory("var")
            .File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\napp:x:1234:1235:app:/home/app:/bin/sh\n")
            .File("etc/group", "root:x:0:\napp:x:1235:\nextra:x:1236:app\n").Directory("root", (UnixFileMode)0x1C0).Directory("home/app", uid: 1234);
        foreach (var tool in "sh cat echo ls sleep id pwd test touch env true false grep wc head hostname tr mount mknod rm mkdir stat chmod kill ps httpd wget nc tail dd unshare chroot ln cp printenv".Split(' '))
        {
            layer.Link("bin/" + tool, "busybox");
        }
        return new TestImage { Config = config ?? [] }.With(layer);
    }

    public TestImage With(TestLayer layer, Packing packing = Packing.Gzip)
    {
        var plain = layer.ToArray();
        _layers.Add((plain, Pack(plain, packing)));
        return this;
    }

    /// <summary>Returns the manifest's digest.</summary>
    public async Task<string> PushAsync(TestRegistry registry, string repository, string tag = "latest")
    {
        var config = new JsonObject
        {
            ["architecture"] = Architecture,
            ["os"] = "linux",
            ["config"] = Config.DeepClone(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. DiffIds.Select(id => JsonValue.Create(id))]) },
        };
        var configBytes = Encoding.UTF8.GetBytes(config.ToJsonString());
        await registry.PushBlobAsync(repository, configBytes);
        var layers = new JsonArray();
        foreach (var (_, packed) in _layers)
        {
            await registry.PushBlobAsync(repository, packed);
            layers.Add(new JsonObject
            {
                ["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip", ["digest"] = TestRegistry.Digest(packed), ["size"] = packed.Length,
            });
        }
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = new JsonObject
            {
                ["mediaType"] = "application/vnd.oci.image.config.v1+json", ["digest"] = TestRegistry.Digest(configBytes), ["size"] = configBytes.Length,
            },
            ["layers"] = layers,
        };
        return await registry.PushManifestAsync(repository, tag, "application/vnd.oci.image.manifest.v1+json", manifest.ToJsonString());
    }

    private static byte[] Pack(byte[] plain, Packing packing)
    {
        switch (packing)
        {
            case Packing.Gzip:
                using (var packed = new MemoryStream())
                {
                    using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
                    {
                        gzip.Write(plain);
                    }
                    return packed.ToArray();
                }
            case Packing.Zstd:
                Assert.SkipUnless(System.IO.File.Exists("/usr/bin/zstd"), "zstd is not installed (apt-get install zstd)");
                var directory = System.IO.Directory.CreateTempSubdirectory("pacer-zstd-").FullName;
                System.IO.File.WriteAllBytes($"{directory}/plain", plain);
                using (var zstd = Process.Start("/usr/bin/zstd", ["-q", $"{directory}/plain", "-o", $"{directory}/packed"])!)
                {
                    zstd.WaitForExit();
                }
                var bytes = System.IO.File.ReadAllBytes($"{directory}/packed");
                System.IO.Directory.Delete(directory, recursive: true);
                return bytes;
            default:
                return plain;
        }
    }
}
