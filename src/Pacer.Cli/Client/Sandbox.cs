using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>The directories of a task's sandbox.</summary>
internal sealed class Sandbox(ApiClient api, string taskId)
{
    /// <summary>What a directory holds, or the one file that the path names.</summary>
    public async Task<JsonArray> ListAsync(string path, CancellationToken cancellationToken) =>
        await api.GetAsync($"v2/tasks/{Uri.EscapeDataString(taskId)}/files/browse?path={Uri.EscapeDataString(path)}", cancellationToken) as JsonArray ?? [];

    public static bool IsDirectory(JsonNode? file) => file.Text("mode").StartsWith('d');

    public static bool IsFile(JsonNode? file) => file.Text("mode").StartsWith('-');

    public static string NameOf(JsonNode? file) => file.Text("path") is var path ? path[(path.LastIndexOf('/') + 1)..] : "";

    public static bool IsExecutable(JsonNode? file) => file.Text("mode") is { Length: > 3 } mode && mode[3] == 'x';
}
