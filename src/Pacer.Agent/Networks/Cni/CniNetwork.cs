using System.Text.Json;

namespace Pacer.Agent.Networks.Cni;

/// <summary>A network as a CNI configuration describes it: a chain of plugins. A single configuration is a chain of one. Pure.</summary>
/// <param name="Text">The configuration as it was read; parsing it again gives the same.</param>
internal sealed record CniNetwork(string Name, string Version, IReadOnlyList<CniPlugin> Plugins, string Text)
{
    /// <summary>Whether a plugin of the chain maps ports of the node.</summary>
    public bool MapsPorts => Plugins.Any(plugin => plugin.MapsPorts);

    /// <summary>Reads a .conf or .conflist.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static CniNetwork Parse(string text)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is no JSON (line {e.LineNumber + 1})", e);
        }
        if (root.ValueKind != JsonValueKind.Object || TextOf(root, "name") is not { Length: > 0 } name)
        {
            throw new FormatException("it has no \"name\"");
        }
        IReadOnlyList<JsonElement> objects = root.TryGetProperty("plugins", out var list)
            ? list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : []
            : [root];
        if (objects.Count == 0)
        {
            throw new FormatException("its \"plugins\" are no list, or empty");
        }
        return new CniNetwork(name, TextOf(root, "cniVersion") ?? "0.1.0", [.. objects.Select(CniPlugin.Of)], text);
    }

    internal static string? TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <param name="Type">Name of the executable.</param>
internal sealed record CniPlugin(string Type, bool MapsPorts, JsonElement Configuration)
{
    public static CniPlugin Of(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object || CniNetwork.TextOf(element, "type") is not { Length: > 0 } type)
        {
            throw new FormatException("a plugin has no \"type\"");
        }
        if (type.Contains('/') || type is "." or "..")
        {
            throw new FormatException($"the type '{type}' is not the name of a plugin");
        }
        var maps = element.TryGetProperty("capabilities", out var capabilities) && capabilities.ValueKind == JsonValueKind.Object
            && capabilities.TryGetProperty("portMappings", out var mappings) && mappings.ValueKind == JsonValueKind.True;
        return new CniPlugin(type, maps, element);
    }
}
