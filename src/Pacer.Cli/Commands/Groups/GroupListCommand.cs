using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupListCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Print ids only, one a line" };
        var command = new PacerCommand("list", "List groups with how many apps are in them")
        {
            Examples = [("group list", "a table"), ("group list -q", "ids for scripts")],
        };
        command.Add(json);
        command.Add(quiet);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var root = await api.GetAsync("v2/groups", cancellationToken);
            var terminal = surroundings.Terminal;
            if (parse.GetValue(json))
            {
                terminal.Line(JsonText.Pretty(root));
                return ExitCode.Ok;
            }
            var groups = root.Items("groups").SelectMany(All).ToList();
            if (parse.GetValue(quiet))
            {
                groups.ForEach(group => terminal.Line(group.Text("id")));
                return ExitCode.Ok;
            }
            if (groups.Count == 0)
            {
                terminal.ErrorLine("No groups. Deploy one: pacer group add examples/group.json");
                return ExitCode.Ok;
            }
            var table = new Table("ID", "APPS", "ENFORCE_ROLE");
            foreach (var group in groups)
            {
                table.Add(
                    (group.Text("id"), Tone.Plain),
                    (CountApps(group).ToString(CultureInfo.InvariantCulture), Tone.Plain),
                    (group["enforceRole"] is null ? "---" : group.Flag("enforceRole") ? "True" : "False", Tone.Plain));
            }
            table.WriteTo(terminal);
            return ExitCode.Ok;
        });
        return command;
    }

    private static IEnumerable<JsonNode> All(JsonNode group) => group.Items("groups").SelectMany(All).Prepend(group);

    private static int CountApps(JsonNode group) => group.Items("apps").Count() + group.Items("groups").Sum(CountApps);
}
