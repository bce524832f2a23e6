using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pacer.Cli.Client;

/// <summary>Reads app definitions from a file or standard input; says where exactly JSON is broken.</summary>
internal static class AppFile
{
    /// <summary>One definition or a list of them.</summary>
    public static async Task<IReadOnlyList<JsonObject>> ReadAsync(string file, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var name = file == "-" ? "standard input" : file;
        JsonNode? node;
        try
        {
            await using var stream = file == "-" ? surroundings.OpenInput() : File.OpenRead(file);
            node = await JsonNode.ParseAsync(stream, null, new JsonDocumentOptions(), cancellationToken);
        }
        catch (JsonException exception)
        {
            var place = exception.LineNumber is { } line ? $", line {line + 1}, column {exception.BytePositionInLine + 1}" : "";
            throw CliException.Usage($"{name}{place}: not valid JSON. {Reason(exception)}");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CliException.Usage($"{file}: no such file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"{file}: can't be read ({exception.Message}).");
        }

        return node switch
        {
            JsonObject app => [app],
            JsonArray { Count: > 0 } list when list.All(item => item is JsonObject) => [.. list.OfType<JsonObject>()],
            _ => throw CliException.Usage($"{name}: an app definition is a JSON object such as {{\"id\": \"/hello\", \"cmd\": \"sleep 1000\"}}, or a list of them."),
        };
    }

    /// <summary>Whether it holds apps instead of being one.</summary>
    public static bool IsGroup(JsonObject definition) => definition["apps"] is JsonArray || definition["groups"] is JsonArray;

    public static string IdOf(JsonObject app, string file)
    {
        if (app["id"] is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Trim('/') is { Length: > 0 } id)
        {
            return "/" + id;
        }
        throw CliException.Usage($"{file}: the app has no \"id\". Add one such as \"id\": \"/hello\".");
    }

    private static string Reason(JsonException exception)
    {
        // The parser appends "Path: … | LineNumber: …", which the place in front says already.
        var text = exception.Message;
        var end = text.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var path = text.IndexOf(" Path:", StringComparison.Ordinal);
        end = path >= 0 ? path : end;
        return end > 0 ? text[..end] : text;
    }
}
