using System.Text.Json;

namespace Pacer.Agent.Images;

/// <summary>What an image says about how to run it.</summary>
/// <param name="User">As written: <c>NAME|UID[:GROUP|GID]</c>; empty: root.</param>
/// <param name="WorkingDirectory">Empty: none.</param>
/// <param name="DiffIds">Digests of the unpacked layers, bottom first.</param>
internal sealed record ImageConfig(
    IReadOnlyList<string> Entrypoint,
    IReadOnlyList<string> Command,
    IReadOnlyList<string> Environment,
    string User,
    string WorkingDirectory,
    IReadOnlyList<string> Volumes,
    IReadOnlyList<string> DiffIds)
{
    /// <exception cref="ImageException">Not an image's configuration.</exception>
    public static ImageConfig Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var config = root.TryGetProperty("config", out var found) && found.ValueKind == JsonValueKind.Object ? found : default;
            return new ImageConfig(
                Texts(config, "Entrypoint"),
                Texts(config, "Cmd"),
                Texts(config, "Env"),
                Text(config, "User"),
                Text(config, "WorkingDir"),
                Keys(config, "Volumes"),
                Texts(root.GetProperty("rootfs"), "diff_ids"));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ImageException("its configuration makes no sense: " + e.Message, e);
        }
    }

    private static string[] Texts(JsonElement config, string name) => Find(config, name) switch
    {
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(entry => entry.GetString() ?? "")],
        // Very old images have one string.
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        _ => [],
    };

    private static string[] Keys(JsonElement config, string name) =>
        Find(config, name) is { ValueKind: JsonValueKind.Object } map ? [.. map.EnumerateObject().Select(entry => entry.Name)] : [];

    private static string Text(JsonElement config, string name) =>
        Find(config, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    private static JsonElement Find(JsonElement config, string name) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty(name, out var value) ? value : default;
}
