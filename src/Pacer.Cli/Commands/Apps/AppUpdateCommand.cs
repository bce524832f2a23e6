using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Apps;

internal static class AppUpdateCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var changes = new Argument<string[]>("CHANGES")
        {
            Description = "field=value pairs (values are JSON where they can be), or a JSON file with the fields to change; - reads standard input",
            HelpName = "FIELD=VALUE|FILE|-",
            Arity = ArgumentArity.OneOrMore,
        };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("update", "Change fields of an app; the others keep their values")
        {
            Examples =
            [
                ("app update hello instances=3 mem=64", ""),
                ("app update hello 'env={\"GREETING\":\"hi\"}'", "objects are replaced as a whole"),
                ("app update hello changes.json", "from a file"),
            ],
        };
        command.Add(id);
        command.Add(changes);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var appId = AppCommand.FullId(parse.GetValue(id)!);
            var body = await ReadAsync(parse.GetValue(changes)!, surroundings, cancellationToken);
            using var api = change.Connect(parse);
            // PATCH: an app that does not exist is an error here, not a wish to create one.
            await change.ApplyAsync(parse, api, HttpMethod.Patch, ApiClient.AppPath(appId) + change.Query(parse), body, appId, $"Updated {appId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The fields to change, from pairs and files.</summary>
    public static async Task<JsonObject> ReadAsync(string[] items, Surroundings surroundings, CancellationToken cancellationToken)
    {
        var body = new JsonObject();
        foreach (var item in items)
        {
            if (Pair(item) is { } pair)
            {
                body[pair.Field] = pair.Value;
                continue;
            }
            var parts = await AppFile.ReadAsync(item, surroundings, cancellationToken);
            if (parts.Count != 1)
            {
                throw CliException.Usage($"{item}: holds {parts.Count} apps; an update takes one.");
            }
            foreach (var (field, value) in parts[0])
            {
                body[field] = value?.DeepClone();
            }
        }
        return body;
    }

    /// <summary>Null when the text is no <c>field=value</c> but a file.</summary>
    public static (string Field, JsonNode? Value)? Pair(string item)
    {
        var equals = item.IndexOf('=');
        if (equals <= 0 || !item.AsSpan(0, equals).ContainsOnlyLetters())
        {
            return null;
        }
        var text = item[(equals + 1)..];
        try
        {
            return (item[..equals], JsonNode.Parse(text));
        }
        catch (JsonException) when (text.TrimStart() is not ['{' or '[', ..])
        {
            return (item[..equals], JsonValue.Create(text));
        }
        catch (JsonException exception)
        {
            throw CliException.Usage($"{item}: the value looks like JSON but is not valid. {exception.Message}");
        }
    }

    private static bool ContainsOnlyLetters(this ReadOnlySpan<char> text)
    {
        foreach (var letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter))
            {
                return false;
            }
        }
        return true;
    }
}
