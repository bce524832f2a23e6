using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupShowCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.GroupId(surroundings);
        var server = ApiOptions.Server(surroundings);
        var version = new Option<string?>("--version")
        {
            Description = "An earlier version: its time stamp, or -1 for the one before, -2 for the one before that",
            HelpName = "VERSION",
        };
        var command = new PacerCommand("show", "Print a group and everything in it as JSON")
        {
            Examples = [("group show shop", ""), ("group show shop --version -1", "the version before the current one")],
        };
        command.Add(id);
        command.Add(version);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var path = GroupCommand.Path(parse.GetValue(id)!);
            var node = parse.GetValue(version) is { Length: > 0 } wanted
                ? await api.GetAsync($"{path}/versions/{Uri.EscapeDataString(await ResolveAsync(api, path, wanted, cancellationToken))}", cancellationToken)
                : await api.GetAsync(path, cancellationToken);
            surroundings.Terminal.Line(JsonText.Pretty(node));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<string> ResolveAsync(ApiClient api, string path, string wanted, CancellationToken cancellationToken)
    {
        if (!int.TryParse(wanted, out var back))
        {
            return wanted;
        }
        if (back > 0)
        {
            throw CliException.Usage($"--version {wanted}: count backwards from the current version, such as -1.");
        }
        var versions = (await api.GetAsync(path + "/versions", cancellationToken) as JsonArray ?? [])
            .OfType<JsonNode>().Select(version => version.GetValue<string>()).OrderDescending(StringComparer.Ordinal).ToList();
        return -(long)back < versions.Count
            ? versions[-back]
            : throw new CliException(ExitCode.NotFound, $"--version {wanted}: there are only {versions.Count} versions.");
    }
}
