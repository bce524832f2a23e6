using System.Text.Json.Serialization;
using Pacer.Agent.Images.Layers;

namespace Pacer.Agent.Images;

/// <summary>An image that is on this node, all its layers unpacked.</summary>
/// <param name="Version">Of the format.</param>
/// <param name="Digest">Of its manifest.</param>
/// <param name="Names">Names that meant it when they were last asked for, with that time in Unix milliseconds.</param>
internal sealed record ImageRecord(int Version, string Digest, IReadOnlyDictionary<string, long> Names, ImageConfig Config)
{
    /// <summary>Bottom first.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Layers => Config.DiffIds;
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageRecord))]
[JsonSerializable(typeof(LayerRecord))]
internal sealed partial class ImageJson : JsonSerializerContext;
