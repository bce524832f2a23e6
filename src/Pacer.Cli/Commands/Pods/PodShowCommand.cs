using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Pods;

internal static class PodShowCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = PodCommand.Id();
        var server = ApiOptions.Server(surroundings);
        var version = new Option<string?>("--version") { Description = "The definition of an earlier version, by its time stamp", HelpName = "VERSION" };
        var json = ApiOptions.Json();
        json.Description = "Accepted for scripts; the status is always JSON";
        var command = new PacerCommand("show", "Print a pod's status and definition as JSON")
        {
            Examples = [("pod show web", "instances, containers, endpoints, and the definition as \"spec\"")],
        };
        command.Add(id);
        command.Add(version);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var path = ApiClient.PodPath(parse.GetValue(id)!);
            var part = parse.GetValue(version) is { Length: > 0 } wanted ? "::versions/" + Uri.EscapeDataString(wanted) : "::status";
            surroundings.Terminal.Line(JsonText.Pretty(await api.GetAsync(path + part, cancellationToken)));
            return ExitCode.Ok;
        });
        return command;
    }
}
