using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Pods;

internal static class PodKillCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = PodCommand.Id();
        var instances = new Argument<string[]>("INSTANCE")
        {
            Description = "Instance ids or parts of them; none: all of the pod",
            HelpName = "INSTANCE",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var wipe = new Option<bool>("--wipe") { Description = "Forget them, and what was reserved for them: new instances take their place" };
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("kill", "Kill instances of a pod; they are started again")
        {
            Examples = [("pod kill web", "all instances"), ("pod kill web 3f2a --wipe", "one, and put a new one in its place")],
        };
        command.Add(id);
        command.Add(instances);
        command.Add(wipe);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var path = ApiClient.PodPath(parse.GetValue(id)!);
            var known = (await api.GetAsync(path + "::status", cancellationToken)).Items("instances").Select(instance => instance.Text("id")).ToList();
            var asked = parse.GetValue(instances) ?? [];
            var chosen = asked.Length == 0 ? known : [.. asked.Select(text => Choose(known, text)).Distinct()];
            var body = new JsonArray([.. chosen.Select(instance => (JsonNode)instance)]);
            var query = parse.GetValue(wipe) ? "?wipe=true" : "";
            var reply = await api.SendAsync(HttpMethod.Delete, path + "::instances" + query, body, cancellationToken);
            var killed = (reply.Body as JsonArray ?? []).Select(instance => instance.Text("instanceId")).ToList();
            if (killed.Count == 0)
            {
                throw new CliException(ExitCode.NotFound, "Nothing was killed: the pod has no instance on a node.");
            }
            surroundings.Terminal.Line("Killed " + string.Join(", ", killed));
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Choose(List<string> known, string text)
    {
        var matches = known.Where(id => id.Contains(text, StringComparison.Ordinal)).ToList();
        return matches.Count switch
        {
            1 => matches[0],
            0 => throw new CliException(ExitCode.NotFound, $"No instance of the pod matches '{text}'. See 'pacer pod show'."),
            _ => throw CliException.Usage($"'{text}' matches {matches.Count} instances; name one of them:\n" + string.Join('\n', matches.Take(20).Select(id => "  " + id))),
        };
    }
}
