using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Pods;

internal static class PodListCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Print ids only, one a line" };
        var command = new PacerCommand("list", "List pods and their containers with their state")
        {
            Examples = [("pod list", "a table"), ("pod list -q", "ids for scripts")],
        };
        command.Add(json);
        command.Add(quiet);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("v2/pods::status", cancellationToken) as JsonArray ?? [];
            var terminal = surroundings.Terminal;
            if (parse.GetValue(json))
            {
                terminal.Line(JsonText.Pretty(reply));
                return ExitCode.Ok;
            }
            var pods = reply.OfType<JsonNode>().OrderBy(pod => pod.Text("id"), StringComparer.Ordinal).ToList();
            if (parse.GetValue(quiet))
            {
                pods.ForEach(pod => terminal.Line(pod.Text("id")));
                return ExitCode.Ok;
            }
            if (pods.Count == 0)
            {
                terminal.ErrorLine("No pods. Deploy one: pacer pod add examples/pod.json");
                return ExitCode.Ok;
            }
            var queue = (await api.GetAsync("v2/queue", cancellationToken)).Items("queue").ToList();
            TableOf(pods, queue).WriteTo(terminal);
            return ExitCode.Ok;
        });
        return command;
    }

    public static Table TableOf(IReadOnlyList<JsonNode> pods, IReadOnlyList<JsonNode> queue)
    {
        var table = new Table("ID+CONTAINER", "INSTANCES", "VERSION", "STATUS", "STATUS SINCE", "WAITING", "ROLE");
        foreach (var pod in pods)
        {
            var id = pod.Text("id");
            var spec = pod["spec"];
            var status = pod.Text("status");
            table.Add(
                (id, Tone.Plain),
                ($"{pod.Items("instances").Count(instance => instance.Text("status") == "STABLE")}/{spec?["scaling"].Count("instances")}", Tone.Plain),
                (spec.Text("version"), Tone.Plain),
                (status, status switch { "STABLE" => Tone.Good, "TERMINAL" => Tone.Busy, _ => Tone.Bad }),
                (pod.Text("statusSince"), Tone.Plain),
                (queue.Any(item => item["pod"].Text("id") == id && item["delay"].Flag("overdue")) ? "True" : "False", Tone.Plain),
                (spec.Text("role"), Tone.Plain));
            foreach (var container in spec.Items("containers"))
            {
                table.Add(
                    (" |-" + container.Text("name"), Tone.Plain), ("", Tone.Plain), ("", Tone.Plain), ("", Tone.Plain), ("", Tone.Plain),
                    ("", Tone.Plain), ("", Tone.Plain));
            }
        }
        return table;
    }
}
