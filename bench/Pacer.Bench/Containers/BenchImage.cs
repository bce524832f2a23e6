using System.Formats.Tar;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Pacer.Bench;

/// <summary>An image made of archives, and the way of its blobs into a registry.</summary>
internal sealed class BenchImage
{
    private const string OciPrefix = "application/vnd.oci.image.";
    private const UnixFileMode Readable = (UnixFileMode)0x1A4;
    private const UnixFileMode Executable = (UnixFileMode)0x1ED;
    private const int FileBytes = 256 << 10;

    private readonly List<(string DiffId, byte[] Packed)> _layers = [];

    /// <summary>Size of its files, bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>A shell and <c>sleep</c>.</summary>
    public static BenchImage Busybox()
    {
        var image = new BenchImage();
        image.Add(tar =>
        {
            image.Write(tar, "bin/busybox", File.ReadAllBytes("/bin/busybox"), Executable);
            foreach (var name in (string[])["sh", "sleep"])
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + name) { LinkName = "busybox" });
            }
            image.Write(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"u8.ToArray(), Readable);
        });
        return image;
    }

    /// <summary>Busybox and more layers of files, half of them without any pattern and half like text, no two images alike.</summary>
    public static BenchImage Large(IReadOnlyList<int> layerMegabytes)
    {
        var image = Busybox();
        foreach (var (number, megabytes) in layerMegabytes.Index())
        {
            image.Add(tar =>
            {
                var content = new byte[FileBytes];
                for (var file = 0; file < megabytes * (1 << 20) / FileBytes; file++)
                {
                    RandomNumberGenerator.Fill(content);
                    if (file % 2 == 1)
                    {
                        MakeLikeText(content);
                    }
                    image.Write(tar, $"data/{number}/{file % 20}/{file}", content, Readable);
                }
            });
        }
        return image;
    }

    /// <summary>Returns the manifest's digest.</summary>
    public async Task<string> PushAsync(HttpClient registry, string repository)
    {
        var config = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? "arm64" : "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/bin") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. _layers.Select(layer => JsonValue.Create(layer.DiffId))]) },
        }.ToJsonString());
        await PushBlobAsync(registry, repository, config);
        foreach (var (_, packed) in _layers)
        {
            await PushBlobAsync(registry, repository, packed);
        }
        var manifest = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciPrefix + "manifest.v1+json",
            ["config"] = Descriptor("config.v1+json", config),
            ["layers"] = new JsonArray([.. _layers.Select(layer => (JsonNode)Descriptor("layer.v1.tar+gzip", layer.Packed))]),
        }.ToJsonString());
        using var content = new ByteArrayContent(manifest) { Headers = { ContentType = new MediaTypeHeaderValue(OciPrefix + "manifest.v1+json") } };
        using var put = await registry.PutAsync($"/v2/{repository}/manifests/1", content);
        put.EnsureSuccessStatusCode();
        return Digest(manifest);
    }

    private static JsonObject Descriptor(string kind, byte[] blob) => new() { ["mediaType"] = OciPrefix + kind, ["digest"] = Digest(blob), ["size"] = blob.Length };

    private static async Task PushBlobAsync(HttpClient registry, string repository, byte[] blob)
    {
        using var upload = await registry.PostAsync($"/v2/{repository}/blobs/uploads/", null);
        upload.EnsureSuccessStatusCode();
        var place = upload.Headers.Location!.ToString();
        using var content = new ByteArrayContent(blob) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var put = await registry.PutAsync($"{place}{(place.Contains('?') ? '&' : '?')}digest={Digest(blob)}", content);
        put.EnsureSuccessStatusCode();
    }

    private static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    private void Add(Action<TarWriter> fill)
    {
        using var plain = new MemoryStream();
        using (var tar = new TarWriter(plain, TarEntryFormat.Pax, leaveOpen: true))
        {
            fill(tar);
        }
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(plain.GetBuffer(), 0, (int)plain.Length);
        }
        _layers.Add(("sha256:" + Convert.ToHexStringLower(SHA256.HashData(plain.GetBuffer().AsSpan(0, (int)plain.Length))), packed.ToArray()));
    }

    private void Write(TarWriter tar, string path, byte[] content, UnixFileMode mode)
    {
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(content), Mode = mode });
        Bytes += content.Length;
    }

    // As programs and their data are: a few kinds of bytes, packed to about a third.
    private static void MakeLikeText(Span<byte> content)
    {
        for (var i = 0; i < content.Length; i++)
        {
            content[i] = "etaoin shrdlu\n\0"u8[content[i] % 8];
        }
    }
}
