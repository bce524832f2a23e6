using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Deployments;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

internal static class AppListCommand
{
    private const int LongestCommand = 35;

    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Print ids only, one a line" };
        var command = new PacerCommand("list", "List apps with their state")
        {
            Examples = [("app list", "a table"), ("app list -q", "ids for scripts")],
        };
        command.Add(json);
        command.Add(quiet);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("v2/apps", cancellationToken);
            var terminal = surroundings.Terminal;
            if (parse.GetValue(json))
            {
                terminal.Line(JsonText.Pretty(reply));
                return ExitCode.Ok;
            }
            var apps = reply.Items("apps").OrderBy(app => app.Text("id"), StringComparer.Ordinal).ToList();
            if (parse.GetValue(quiet))
            {
                apps.ForEach(app => terminal.Line(app.Text("id")));
                return ExitCode.Ok;
            }
            if (apps.Count == 0)
            {
                terminal.ErrorLine("No apps. Deploy one: pacer app add examples/hello.json");
                return ExitCode.Ok;
            }
            var deployments = await api.GetAsync("v2/deployments", cancellationToken) as JsonArray ?? [];
            var queue = (await api.GetAsync("v2/queue", cancellationToken)).Items("queue").ToList();
            TableOf(apps, deployments, queue).WriteTo(terminal);
            return ExitCode.Ok;
        });
        return command;
    }

    public static Table TableOf(IReadOnlyList<JsonNode> apps, JsonArray deployments, IReadOnlyList<JsonNode> queue)
    {
        var table = new Table("ID", "MEM", "CPUS", "TASKS", "HEALTH", "DEPLOYMENT", "WAITING", "CONTAINER", "CMD");
        foreach (var app in apps)
        {
            var id = app.Text("id");
            var (running, wanted) = (app.Count("tasksRunning"), app.Count("instances"));
            var actions = deployments.SelectMany(deployment => deployment.Items("currentActions"))
                .Where(action => action.Text("app") == id)
                .Select(action => DeploymentActions.Short(action.Text("action")))
                .ToList();
            var isDeploying = actions.Count > 0 || app.Items("deployments").Any();
            var overdue = queue.Any(item => item["app"].Text("id") == id && item["delay"].Flag("overdue"));
            table.Add(
                (id, Tone.Plain),
                (JsonText.Short(app.Number("mem")), Tone.Plain),
                (JsonText.Short(app.Number("cpus")), Tone.Plain),
                ($"{running}/{wanted}", running == wanted ? Tone.Good : isDeploying ? Tone.Busy : Tone.Bad),
                (Health(app), Tone.Plain),
                (actions.Count > 0 ? string.Join(", ", actions) : isDeploying ? "waiting" : "---", Tone.Plain),
                (overdue ? "True" : "False", Tone.Plain),
                (app["container"].Text("type", "N/A"), Tone.Plain),
                (Command(app), Tone.Plain));
        }
        return table;
    }

    private static string Health(JsonNode app) =>
        app.Items("healthChecks").Any() ? $"{app.Count("tasksHealthy")}/{app.Count("tasksRunning")}" : "N/A";

    private static string Command(JsonNode app)
    {
        var text = app.Text("cmd");
        if (text.Length == 0)
        {
            text = string.Join(' ', app.Items("args"));
        }
        text = text.Replace('\n', ' ');
        return text.Length > LongestCommand ? text[..LongestCommand] : text;
    }
}
