using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskKillCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var ids = new Argument<string[]>("TASK")
        {
            Description = "Task ids or parts of them, or apps that have one task",
            HelpName = "TASK",
            Arity = ArgumentArity.OneOrMore,
        };
        var scale = new Option<bool>("--scale") { Description = "Do not replace them: lower the app's instances" };
        var wipe = new Option<bool>("--wipe") { Description = "Forget their instances and what was reserved for them" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("kill", "Kill tasks; without --scale new ones take their place")
        {
            Examples = [("task kill hello", "the only task of an app"), ("task kill 3f2a --scale", "and do with one instance less")],
        };
        command.Add(ids);
        command.Add(scale);
        command.Add(wipe);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = change.Connect(parse);
            var tasks = (await api.GetAsync("v2/tasks", cancellationToken)).Items("tasks").ToList();
            var chosen = parse.GetValue(ids)!.Select(text => TaskFinder.Choose(tasks, text)).Distinct().ToList();
            var body = new JsonObject { ["ids"] = new JsonArray([.. chosen.Select(id => (JsonNode)id)]) };
            var query = change.Query(parse, [.. Enabled(parse.GetValue(scale), "scale=true"), .. Enabled(parse.GetValue(wipe), "wipe=true")]);
            if (parse.GetValue(scale))
            {
                var app = tasks.FirstOrDefault(task => task.Text("id") == chosen[0]).Text("appId");
                await change.ApplyAsync(parse, api, HttpMethod.Post, "v2/tasks/delete" + query, body, app, "Killed " + string.Join(", ", chosen), cancellationToken);
                return ExitCode.Ok;
            }
            var reply = await api.SendAsync(HttpMethod.Post, "v2/tasks/delete" + query, body, cancellationToken);
            var killed = reply.Body.Items("tasks").Select(task => task.Text("id")).ToList();
            if (killed.Count == 0)
            {
                throw new CliException(ExitCode.NotFound, $"Nothing was killed: {string.Join(", ", chosen)} had ended already.");
            }
            surroundings.Terminal.Line("Killed " + string.Join(", ", killed));
            return ExitCode.Ok;
        });
        return command;
    }

    private static string[] Enabled(bool value, string query) => value ? [query] : [];
}
