using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Apps;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskListCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var app = ApiOptions.AppId(surroundings);
        app.Arity = ArgumentArity.ZeroOrOne;
        app.HelpName = "APP";
        app.Description = "Only tasks of this app";
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Print ids only, one a line" };
        var command = new PacerCommand("list", "List tasks with their state, node and ports")
        {
            Examples = [("task list", "of all apps"), ("task list hello -q", "ids of one app's tasks")],
        };
        command.Add(app);
        command.Add(json);
        command.Add(quiet);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var terminal = surroundings.Terminal;
            var reply = parse.GetValue(app) is { Length: > 0 } id
                ? await api.GetAsync(ApiClient.AppPath(AppCommand.FullId(id)) + "/tasks", cancellationToken)
                : await api.GetAsync("v2/tasks", cancellationToken);
            var tasks = reply.Items("tasks")
                .OrderBy(task => task.Text("appId"), StringComparer.Ordinal)
                .ThenBy(task => task.Text("startedAt"), StringComparer.Ordinal)
                .ThenBy(task => task.Text("id"), StringComparer.Ordinal)
                .ToList();
            if (parse.GetValue(json))
            {
                terminal.Line(JsonText.Pretty(reply));
            }
            else if (parse.GetValue(quiet))
            {
                tasks.ForEach(task => terminal.Line(task.Text("id")));
            }
            else if (tasks.Count == 0)
            {
                terminal.ErrorLine("No tasks.");
            }
            else
            {
                TableOf(tasks).WriteTo(terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    public static Table TableOf(IEnumerable<JsonNode> tasks)
    {
        var table = new Table("APP", "STATE", "HEALTHY", "STARTED", "HOST", "PORTS", "ID");
        foreach (var task in tasks)
        {
            var state = task.Text("state");
            var checks = task.Items("healthCheckResults").ToList();
            table.Add(
                (task.Text("appId"), Tone.Plain),
                (state, state switch
                {
                    "TASK_RUNNING" or "TASK_FINISHED" => Tone.Good,
                    "TASK_STAGING" or "TASK_STARTING" or "TASK_KILLING" => Tone.Busy,
                    _ => Tone.Bad,
                }),
                checks.Count == 0 ? ("N/A", Tone.Plain) : checks.All(check => check.Flag("alive")) ? ("True", Tone.Good) : ("False", Tone.Bad),
                (task.Text("startedAt", "-"), Tone.Plain),
                (task.Text("host"), Tone.Plain),
                (task.Items("ports").Any() ? string.Join(',', task.Items("ports")) : "-", Tone.Plain),
                (task.Text("id"), Tone.Plain));
        }
        return table;
    }
}
