using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

internal static class AppShowCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var server = ApiOptions.Server(surroundings);
        var version = new Option<string?>("--version")
        {
            Description = "An earlier version: its time stamp, or -1 for the one before, -2 for the one before that",
            HelpName = "VERSION",
        };
        var json = ApiOptions.Json();
        json.Description = "Accepted for scripts; the definition is always JSON";
        var command = new PacerCommand("show", "Print an app's definition, tasks and last failure as JSON")
        {
            Examples = [("app show hello", ""), ("app show hello --version -1", "the version before the current one")],
        };
        command.Add(id);
        command.Add(version);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var path = ApiClient.AppPath(parse.GetValue(id)!);
            var node = parse.GetValue(version) is { Length: > 0 } wanted
                ? await api.GetAsync($"{path}/versions/{Uri.EscapeDataString(await ResolveAsync(api, path, wanted, cancellationToken))}", cancellationToken)
                : (await api.GetAsync(path, cancellationToken))?["app"];
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
        var versions = (await api.GetAsync(path + "/versions", cancellationToken)).Items("versions")
            .Select(version => version.GetValue<string>()).OrderDescending(StringComparer.Ordinal).ToList();
        if (back > 0)
        {
            throw CliException.Usage($"--version {wanted}: count backwards from the current version, such as -1.");
        }
        return -back < versions.Count
            ? versions[-back]
            : throw new CliException(ExitCode.NotFound, $"--version {wanted}: there are only {versions.Count} versions.");
    }
}
