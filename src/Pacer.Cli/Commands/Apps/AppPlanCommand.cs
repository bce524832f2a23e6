using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Deployments;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

internal static class AppPlanCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string>("FILE") { Description = "JSON file of an app or a list of apps; - reads standard input", HelpName = "FILE|-" };
        var json = ApiOptions.Json();
        json.Description = "Print the API's JSON instead of the steps";
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("plan", "Show what deploying a file would do now: its steps, and which nodes are used; changes nothing")
        {
            Examples = [("app plan examples/hello.json", "")],
            Notes = "Assumes that every task starts and is healthy at once, and that nothing else happens meanwhile.",
        };
        command.Add(file);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = parse.GetValue(file)!;
            var apps = await AppFile.ReadAsync(name, surroundings, cancellationToken);
            foreach (var app in apps)
            {
                AppFile.IdOf(app, name);
            }
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            JsonNode body = apps.Count == 1 ? apps[0].DeepClone() : new JsonArray([.. apps.Select(app => app.DeepClone())]);
            var plan = (await api.SendAsync(HttpMethod.Post, "v2/plan", body, cancellationToken)).Body;
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(plan));
            }
            else
            {
                Print(plan, surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Print(JsonNode? plan, Terminal terminal)
    {
        var number = 0;
        foreach (var step in plan.Items("steps"))
        {
            terminal.Line($"Step {++number}: " + string.Join(", ", step.Items("actions").Select(action => $"{DeploymentActions.Short(action.Text("action"))} {action.Text("app", action.Text("pod"))}")));
            PrintMoves(step, "starts", "start", terminal);
            PrintMoves(step, "stops", "stop", terminal);
        }
        if (number == 0)
        {
            terminal.Line("Nothing would change.");
            return;
        }
        foreach (var waiting in plan.Items("waiting"))
        {
            foreach (var sentence in waiting.Items("text"))
            {
                terminal.Line(sentence.GetValue<string>());
            }
        }
        terminal.Line(plan.Flag("ends") ? "The deployment would end. Nothing was changed." : "The deployment would not end. Nothing was changed.");
    }

    private static void PrintMoves(JsonNode step, string member, string verb, Terminal terminal)
    {
        foreach (var ofApp in step.Items(member).GroupBy(move => move.Text("app")))
        {
            terminal.Line($"  {verb} {ofApp.Key}: " + string.Join(", ", ofApp.Select(move => $"{move.Count("instances")} on {move.Text("hostname")}")));
        }
    }
}
