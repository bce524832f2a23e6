using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

/// <summary>Flags of the commands that talk to the API.</summary>
internal static class ApiOptions
{
    public const string DefaultServer = "http://127.0.0.1:8080";

    public static Flag Server(Surroundings surroundings) =>
        new(surroundings, "--server", "PACER_SERVER", "URL", "Where the API is", DefaultServer);

    public static Option<bool> Json() => new("--json") { Description = "Print the API's JSON instead of a table" };

    public static Option<bool> Force() => new("--force") { Description = "Cancel a running deployment that is in the way" };

    public static Option<bool> NoWait() => new("--no-wait") { Description = "Return as soon as the deployment is accepted" };

    public static Option<string> Timeout() => new("--timeout")
    {
        Description = "Longest wait for the deployment, seconds [300]",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => "300",
    };

    public static TimeSpan ParseTimeout(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 1_000_000
            ? TimeSpan.FromSeconds(seconds)
            : throw CliException.Usage($"--timeout '{text}' is no number of seconds. Give one such as 60.");

    /// <summary>An app id; the shell completes it from the running server.</summary>
    public static Argument<string> AppId(Surroundings surroundings)
    {
        var argument = new Argument<string>("ID") { Description = "The app, such as /hello or hello", HelpName = "ID" };
        argument.CompletionSources.Add(_ => Names(surroundings, "v2/apps", "apps"));
        return argument;
    }

    /// <summary>A group id; the shell completes it from the running server.</summary>
    public static Argument<string> GroupId(Surroundings surroundings)
    {
        var argument = new Argument<string>("ID") { Description = "The group, such as /shop or shop", HelpName = "ID" };
        argument.CompletionSources.Add(_ => Read(surroundings, "v2/groups?embed=group.groups", GroupsIn));
        return argument;
    }

    public static Argument<string> TaskId(Surroundings surroundings)
    {
        var argument = new Argument<string>("TASK") { Description = "A task id or a part of it, or an app that has one task", HelpName = "TASK" };
        argument.CompletionSources.Add(_ => Names(surroundings, "v2/tasks", "tasks"));
        return argument;
    }

    public static Argument<string> NodeId(Surroundings surroundings)
    {
        var argument = new Argument<string>("ID") { Description = "The node: its id, or its hostname where no other has it", HelpName = "ID" };
        argument.CompletionSources.Add(_ => Names(surroundings, "v2/nodes", "nodes"));
        return argument;
    }

    public static Argument<string> DeploymentId(Surroundings surroundings)
    {
        var argument = new Argument<string>("ID") { Description = "The deployment, or the first letters of its id", HelpName = "ID" };
        argument.CompletionSources.Add(_ => Names(surroundings, "v2/deployments", null));
        return argument;
    }

    private static IEnumerable<string> GroupsIn(JsonNode? group) =>
        group.Items("groups").SelectMany(child => GroupsIn(child).Prepend(child.Text("id")));

    private static IEnumerable<CompletionItem> Names(Surroundings surroundings, string path, string? member) => Read(
        surroundings, path, body => (member is not null ? body.Items(member) : (body as JsonArray ?? []).OfType<JsonNode>()).Select(item => item.Text("id")));

    /// <summary>Completion must never disturb typing: no answer in time means no suggestions.</summary>
    private static IEnumerable<CompletionItem> Read(Surroundings surroundings, string path, Func<JsonNode?, IEnumerable<string>> ids)
    {
        try
        {
            using var api = new ApiClient(surroundings.Variable("PACER_SERVER") is { Length: > 0 } server ? server : DefaultServer, surroundings.Terminal);
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            var body = api.GetAsync(path, limit.Token).GetAwaiter().GetResult();
            return [.. ids(body).Where(id => id.Length > 0).Select(id => new CompletionItem(id))];
        }
        catch (Exception exception) when (exception is CliException or OperationCanceledException)
        {
            return [];
        }
    }
}
