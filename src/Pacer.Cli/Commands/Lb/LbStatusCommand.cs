using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Lb;

/// <summary>Shows what a running balancer serves, which tasks get requests and why others do not, and what is wrong with labels.</summary>
internal static class LbStatusCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var address = LbFlags.Status(surroundings, "Where the balancer's status is");
        var json = ApiOptions.Json();
        var command = new PacerCommand("status", "Show what a load balancer serves, and what is wrong")
        {
            Examples = [("lb status", "hosts, ports and tasks"), ("lb status --lb-status 10.0.0.2:9090 --json", "of another machine")],
        };
        command.Add(address);
        command.Add(json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var balancer = new BalancerClient();
            var status = await balancer.ReadAsync(parse.GetValue(address)!, cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(status));
            }
            else
            {
                Show(status, surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(JsonObject status, Terminal terminal)
    {
        terminal.Line("Listens on " + string.Join(", ", status["listeners"]!.AsArray().Select(listener => $"{listener.Text("kind")} {listener.Text("address")}")));
        if (status.Text("trouble") is { Length: > 0 } trouble)
        {
            terminal.Line($"warning: no contact with the server ({trouble}); what was known last is in force.");
        }
        var table = new Table("SERVICE", "REACHED AT", "TASK", "ADDRESS", "STATUS", "NOW", "REQUESTS", "WHY");
        foreach (var backend in status["backends"]!.AsArray())
        {
            var service = backend.Text("service");
            var places = string.Join(" ", Places(backend!));
            var servers = backend!["servers"]!.AsArray();
            if (servers.Count == 0)
            {
                table.Add((service, Tone.Plain), (places, Tone.Plain), ("", Tone.Plain), ("", Tone.Plain), ("no tasks", Tone.Bad), ("", Tone.Plain), ("", Tone.Plain), ("", Tone.Plain));
            }
            foreach (var server in servers)
            {
                var state = server.Text("status");
                table.Add((service, Tone.Plain), (places, Tone.Plain), (server.Text("task"), Tone.Plain), (server.Text("address"), Tone.Plain),
                    (state, state switch { "UP" => Tone.Good, "DOWN" => Tone.Bad, _ => Tone.Busy }),
                    (Number(server!["active"]), Tone.Plain), (Number(server["requests"]), Tone.Plain), (server.Text("reason"), Tone.Plain));
                (service, places) = ("", "");
            }
        }
        if (status["backends"]!.AsArray().Count == 0)
        {
            terminal.Line("No app is published: give one the label HAPROXY_GROUP with a group of this balancer.");
        }
        else
        {
            table.WriteTo(terminal);
        }
        foreach (var warning in status["warnings"]!.AsArray())
        {
            terminal.Line($"warning: {(warning.Text("service") is { Length: > 0 } service ? service + ": " : "")}{warning.Text("text")}");
        }
    }

    private static IEnumerable<string> Places(JsonNode backend)
    {
        var paths = backend["paths"]!.AsArray().Select(path => (string)path!).DefaultIfEmpty("");
        foreach (var host in backend["hosts"]!.AsArray())
        {
            foreach (var path in paths)
            {
                yield return (string)host! + path;
            }
        }
        if ((int)backend["port"]! is var port and > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $":{port}");
        }
    }

    private static string Number(JsonNode? number) => ((long)number!).ToString(CultureInfo.InvariantCulture);
}
