using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

internal static class VolumeCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("volume", "Look at persistent volumes, and wipe those that nobody needs")
    {
        Group = "Work with a cluster",
        Subcommands = { CreateList(surroundings), CreateShow(surroundings), CreateWipe(surroundings) },
    };

    private static PacerCommand CreateList(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Only ids" };
        var command = new PacerCommand("list", "List persistent volumes, where they are and whether anything uses them") { Examples = [("volume list", "")] };
        command.Add(quiet);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("pacer/volumes", cancellationToken);
            var volumes = reply.Items("volumes").ToList();
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(reply));
            }
            else if (parse.GetValue(quiet))
            {
                foreach (var volume in volumes)
                {
                    surroundings.Terminal.Line(volume.Text("id"));
                }
            }
            else if (volumes.Count == 0)
            {
                surroundings.Terminal.ErrorLine("There are no persistent volumes.");
            }
            else
            {
                TableOf(volumes).WriteTo(surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static PacerCommand CreateShow(Surroundings surroundings)
    {
        var id = Id();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("show", "Show a persistent volume as JSON") { Examples = [("volume show 3f2a", "a part of its id is enough")] };
        command.Add(id);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            surroundings.Terminal.Line(JsonText.Pretty(await FindAsync(api, parse.GetValue(id)!, cancellationToken)));
            return ExitCode.Ok;
        });
        return command;
    }

    private static PacerCommand CreateWipe(Surroundings surroundings)
    {
        var id = Id();
        var force = new Option<bool>("--force") { Description = "Also when its instance runs, or is to run again: it is ended, and a new one takes its place" };
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("wipe", "Destroy the data of an instance that was scaled away, with all its volumes")
        {
            Examples = [("volume wipe 3f2a", "")],
        };
        command.Add(id);
        command.Add(force);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var volume = await FindAsync(api, parse.GetValue(id)!, cancellationToken);
            var state = volume.Text("state");
            if (state == "wiping")
            {
                throw new CliException(ExitCode.Refused, $"{volume.Text("id")} is being wiped already.");
            }
            if (state == "unclaimed")
            {
                throw new CliException(ExitCode.Refused,
                    $"{volume.Text("id")} is no instance's any more: its node was removed, and came back. Remove its directory on {volume.Text("hostname")} yourself.");
            }
            if (state != "suspended" && !parse.GetValue(force))
            {
                throw new CliException(ExitCode.Refused, $"{volume.Text("id")} is {InWords(volume)}. With --force its data is destroyed, and a new instance begins with an empty volume.");
            }
            if (volume["pod"] is not null)
            {
                await api.SendAsync(HttpMethod.Delete, ApiClient.PodPath(volume.Text("pod")) + "::instances?wipe=true", new JsonArray(volume.Text("instance")), cancellationToken);
            }
            else
            {
                await api.SendAsync(HttpMethod.Post, "v2/tasks/delete?wipe=true", new JsonObject { ["ids"] = new JsonArray(volume.Text("task")) }, cancellationToken);
            }
            surroundings.Terminal.Line(volume.Text("nodeState") == "connected"
                ? $"Wiping the volumes of {volume.Text("instance")}"
                : $"The volumes of {volume.Text("instance")} are wiped when {volume.Text("hostname")} is back");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> Id() => new("VOLUME") { Description = "Its id or a part of it that no other has", HelpName = "VOLUME" };

    private static async Task<JsonNode> FindAsync(ApiClient api, string text, CancellationToken cancellationToken)
    {
        var volumes = (await api.GetAsync("pacer/volumes", cancellationToken)).Items("volumes").ToList();
        var matches = volumes.Where(volume => volume.Text("id") == text).ToList();
        matches = matches.Count > 0 ? matches : [.. volumes.Where(volume => volume.Text("id").Contains(text, StringComparison.Ordinal))];
        return matches.Count switch
        {
            1 => matches[0],
            0 => throw new CliException(ExitCode.NotFound, $"No persistent volume matches '{text}'. See 'pacer volume list'."),
            _ => throw CliException.Usage($"'{text}' matches {matches.Count} volumes; name one of them:\n" + string.Join('\n', matches.Take(20).Select(volume => "  " + volume.Text("id")))),
        };
    }

    private static Table TableOf(IEnumerable<JsonNode> volumes)
    {
        var table = new Table("ID", "APP", "INSTANCE", "NODE", "SIZE", "DISK", "STATE");
        foreach (var volume in volumes)
        {
            var instance = volume.Text("instance", "-");
            table.Add(
                (volume.Text("id"), Tone.Plain),
                (volume.Text("app", volume.Text("pod", "-")), Tone.Plain),
                (instance[(instance.LastIndexOf('.') + 1)..], Tone.Plain),
                (volume.Text("hostname", "-"), Tone.Plain),
                (volume["size"] is null ? "-" : JsonText.Short(volume.Number("size")) + " MiB", Tone.Plain),
                (volume["disk"] is null ? volume.Text("type", "-") : $"{volume.Text("type")} {volume.Text("disk")}", Tone.Plain),
                (InWords(volume), volume.Text("nodeState") == "connected" && volume.Text("state") is "in-use" or "suspended" ? Tone.Good : Tone.Bad));
        }
        return table;
    }

    private static string InWords(JsonNode volume)
    {
        var state = volume.Text("state") switch
        {
            "in-use" => "in use",
            "suspended" => "kept, its instance was scaled away",
            "waiting" => "kept, its instance is to run again",
            "wiping" => "being wiped",
            _ => "nobody's",
        };
        return volume.Text("nodeState") switch
        {
            "connected" => state,
            "removed" => state + ", node removed",
            _ => state + ", node away",
        };
    }
}
