using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pacer.Cli.Output;

/// <summary>Reading and writing of API JSON without types of its own: what the server sends is what <c>--json</c> prints.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Pretty(JsonNode? node) => Write(node, Indented);

    public static string OneLine(JsonNode? node) => Write(node, Compact);

    /// <summary>A member's text, whatever its kind; <paramref name="missing"/> when it is absent or null.</summary>
    public static string Text(this JsonNode? node, string member, string missing = "")
    {
        if (node is not JsonObject known || known[member] is not { } value)
        {
            return missing;
        }
        return value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : OneLine(value);
    }

    public static double Number(this JsonNode? node, string member, double missing = 0) =>
        node is JsonObject known && known[member] is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            ? double.Parse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture)
            : missing;

    public static int Count(this JsonNode? node, string member) => (int)node.Number(member);

    public static bool Flag(this JsonNode? node, string member) =>
        node is JsonObject known && known[member] is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    /// <summary>Null when it is absent, or when this is no object.</summary>
    public static JsonNode? Member(this JsonNode? node, string member) => node is JsonObject known ? known[member] : null;

    public static IEnumerable<JsonNode> Items(this JsonNode? node, string member) =>
        node is JsonObject known && known[member] is JsonArray items ? items.OfType<JsonNode>() : [];

    public static string Short(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Write(JsonNode? node, JsonWriterOptions options)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            if (node is null)
            {
                writer.WriteNullValue();
            }
            else
            {
                node.WriteTo(writer);
            }
        }
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
