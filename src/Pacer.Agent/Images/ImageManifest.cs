using System.Runtime.InteropServices;
using System.Text.Json;

namespace Pacer.Agent.Images;

/// <summary>A blob as a manifest names it.</summary>
/// <param name="Size">Bytes; −1 when the manifest does not tell.</param>
internal sealed record BlobDescriptor(string Digest, long Size);

/// <summary>What a registry answers for a name: either one image or an index of images by platform. Pure.</summary>
internal abstract record ImageManifest
{
    private ImageManifest() { }

    /// <param name="Layers">Bottom first.</param>
    internal sealed record Single(BlobDescriptor Config, IReadOnlyList<BlobDescriptor> Layers) : ImageManifest;

    internal sealed record Index(IReadOnlyList<(string Platform, string Digest)> Images) : ImageManifest
    {
        /// <summary>The digest of the image for this machine.</summary>
        public string ForThisMachine() => For(PlatformName);

        public string For(string platform) =>
            Images.FirstOrDefault(image => image.Platform == platform).Digest
            // "linux/arm64/v8" and "linux/amd64/v1" are what every such machine runs.
            ?? Images.FirstOrDefault(image => image.Platform == platform + "/v8" || image.Platform == platform + "/v1").Digest
            ?? throw new ImageException($"it has no image for {platform}, only for {string.Join(", ", Images.Select(image => image.Platform).Distinct())}");
    }

    public static string PlatformName => "linux/" + RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <exception cref="ImageException">Not a manifest that can be used.</exception>
    public static ImageManifest Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.TryGetProperty("schemaVersion", out var version) && version.GetInt32() == 1)
            {
                throw new ImageException("its manifest is of the old schema 1; push the image again with a current tool");
            }
            if (root.TryGetProperty("manifests", out var manifests))
            {
                return new Index([.. manifests.EnumerateArray().Select(entry => (PlatformOf(entry), DigestOf(entry)))]);
            }
            return new Single(Descriptor(root.GetProperty("config")), [.. root.GetProperty("layers").EnumerateArray().Select(Descriptor)]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ImageException("its manifest makes no sense: " + e.Message, e);
        }
    }

    private static string PlatformOf(JsonElement entry)
    {
        if (!entry.TryGetProperty("platform", out var platform))
        {
            return "unknown";
        }
        var name = $"{Text(platform, "os")}/{Text(platform, "architecture")}";
        return Text(platform, "variant") is { Length: > 0 } variant ? $"{name}/{variant}" : name;
    }

    private static BlobDescriptor Descriptor(JsonElement element) =>
        new(DigestOf(element), element.TryGetProperty("size", out var size) && size.TryGetInt64(out var bytes) ? bytes : -1);

    // Digests become file names and are compared with what was computed: nothing else than SHA-256 is in use.
    private static string DigestOf(JsonElement element) =>
        element.GetProperty("digest").GetString() is { Length: 71 } digest && digest.StartsWith("sha256:", StringComparison.Ordinal)
        && digest.AsSpan(7).IndexOfAnyExcept("0123456789abcdef") < 0
            ? digest
            : throw new ImageException("its manifest names a digest that is not SHA-256");

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
