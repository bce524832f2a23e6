using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Dns;

namespace Pacer.Cli.Commands.Dns;

/// <summary>Explains what a name leads to: which tasks, and why some are left out.</summary>
internal static class DnsLookupCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var name = new Argument<string>("NAME") { Description = "A DNS name such as web.marathon.mesos, or an app such as /web", HelpName = "NAME" };
        var type = new Option<string>("--type") { Description = "Only records of this type: A, AAAA, SRV, TXT", HelpName = "TYPE" };
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var flags = new DnsFlags(surroundings);
        var command = new PacerCommand("lookup", "Explain an answer: which tasks a name leads to, and why some are left out")
        {
            Examples = [("dns lookup /web", "the name of an app"), ("dns lookup _web._tcp.marathon.mesos", "ports")],
        };
        command.Add(name);
        command.Add(type);
        command.Add(json);
        command.Add(server);
        flags.AddNamesTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var snapshot = await ReadAsync(api, cancellationToken);
            var explanation = DnsLookup.Explain(snapshot, flags.NameOptions(parse), parse.GetValue(name)!);
            if (parse.GetValue(type) is { Length: > 0 } wanted)
            {
                explanation = explanation with { Records = [.. explanation.Records.Where(record => record.Type.Equals(wanted, StringComparison.OrdinalIgnoreCase))] };
            }
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(ToJson(explanation)));
            }
            else
            {
                Show(explanation, surroundings.Terminal);
            }
            return explanation is { Zone: not null, Exists: false } ? ExitCode.NotFound : ExitCode.Ok;
        });
        return command;
    }

    private static async Task<EndpointUpdate> ReadAsync(ApiClient api, CancellationToken cancellationToken)
    {
        using var response = await api.OpenAsync("pacer/endpoints", "application/json", cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        return await JsonSerializer.DeserializeAsync(body, EndpointJson.Default.EndpointUpdate, cancellationToken)
            ?? throw new CliException(ExitCode.Unreachable, "The server sent no endpoints.");
    }

    private static void Show(DnsExplanation explanation, Terminal terminal)
    {
        if (explanation.Zone is null)
        {
            terminal.Line($"{explanation.Name} is no name of the cluster: it is asked of other servers.");
            return;
        }
        if (explanation.Records.Count > 0)
        {
            terminal.Line($"{explanation.Name} is in the domain {explanation.Zone}; answers are good for {explanation.Ttl} s");
            var table = new Table("TYPE", "VALUE", "FROM", "ANSWERED", "WHY");
            foreach (var record in explanation.Records.OrderBy(record => record.Type, StringComparer.Ordinal).ThenBy(record => !record.Published)
                .ThenBy(record => record.Value, StringComparer.Ordinal).ThenBy(record => record.Owner, StringComparer.Ordinal))
            {
                var why = record.Published && record.Reason is { } flaw ? $"{flaw}, but no other can serve" : record.Reason ?? "";
                table.Add((record.Type, Tone.Plain), (record.Value, Tone.Plain), (record.Owner, Tone.Plain),
                    (record.Published ? "yes" : "no", record.Published ? Tone.Good : Tone.Bad), (why, Tone.Plain));
            }
            table.WriteTo(terminal);
        }
        if (!explanation.Exists)
        {
            terminal.Line(explanation.Records.Count > 0
                ? $"Nothing of it is given out: {explanation.Name} does not exist (NXDOMAIN)."
                : $"{explanation.Name} does not exist (NXDOMAIN): nothing in the cluster has that name.");
        }
        else if (explanation.Records.Count == 0)
        {
            terminal.Line($"{explanation.Name} exists, but has no such records.");
        }
        if (explanation.Collisions.Count > 0)
        {
            terminal.Line($"warning: these have the same name, which leads to all of them: {string.Join(", ", explanation.Collisions)}. Rename one.");
        }
    }

    private static JsonObject ToJson(DnsExplanation explanation) => new()
    {
        ["name"] = explanation.Name,
        ["zone"] = explanation.Zone,
        ["ttl"] = explanation.Ttl,
        ["exists"] = explanation.Exists,
        ["records"] = new JsonArray([.. explanation.Records.Select(record => new JsonObject
        {
            ["type"] = record.Type,
            ["value"] = record.Value,
            ["from"] = record.Owner,
            ["serviceId"] = record.ServiceId,
            ["answered"] = record.Published,
            ["why"] = record.Reason,
        })]),
        ["collisions"] = new JsonArray([.. explanation.Collisions.Select(id => JsonValue.Create(id))]),
    };
}
