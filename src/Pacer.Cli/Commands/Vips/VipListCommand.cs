using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Vips;

/// <summary>Shows virtual IPs, which tasks get connections and why others do not, and what is wrong with labels.</summary>
internal static class VipListCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var command = new PacerCommand("list", "Show virtual IPs, what they lead to, and what is wrong with their labels")
        {
            Examples = [("vip list", "all of them"), ("vip list --json", "for scripts")],
        };
        command.Aliases.Add("ls");
        command.Add(server);
        command.Add(json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var answer = await api.GetAsync("pacer/vips", cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(answer));
            }
            else
            {
                Show(answer!.AsObject(), surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(JsonObject answer, Terminal terminal)
    {
        var vips = answer.Items("vips").ToList();
        if (vips.Count == 0)
        {
            terminal.Line("No virtual IPs: give a port of an app the label VIP_0 with /NAME:PORT or ADDRESS:PORT.");
        }
        else
        {
            var table = new Table("VIRTUAL IP", "PROTOCOL", "ADDRESS", "NAME", "TASK", "AT", "SERVES", "WHY NOT");
            foreach (var vip in vips)
            {
                var addresses = string.Join(" ", vip["addresses"]!.AsArray().Select(address => (string)address!));
                var head = (Vip: vip.Text("vip"), Protocol: vip.Text("protocol"), Addresses: addresses, Name: vip.Text("dnsName"));
                var backends = vip["backends"]!.AsArray();
                if (backends.Count == 0)
                {
                    table.Add((head.Vip, Tone.Plain), (head.Protocol, Tone.Plain), (head.Addresses, Tone.Plain), (head.Name, Tone.Plain), ("", Tone.Plain), ("", Tone.Plain), ("no tasks", Tone.Bad), ("", Tone.Plain));
                }
                foreach (var backend in backends)
                {
                    var serving = (bool)backend!["serving"]!;
                    var place = backend.Text("address");
                    place = place.Contains(':', StringComparison.Ordinal) ? $"[{place}]" : place;
                    table.Add((head.Vip, Tone.Plain), (head.Protocol, Tone.Plain), (head.Addresses, Tone.Plain), (head.Name, Tone.Plain),
                        (backend.Text("taskId"), Tone.Plain), (string.Create(CultureInfo.InvariantCulture, $"{place}:{(int)backend["port"]!}"), Tone.Plain),
                        (serving ? "yes" : "no", serving ? Tone.Good : Tone.Bad), (backend.Text("reason"), Tone.Plain));
                    head = ("", "", "", "");
                }
            }
            table.WriteTo(terminal);
        }
        foreach (var warning in answer.Items("warnings"))
        {
            terminal.Line($"warning: {warning.Text("serviceId")}: {warning.Text("text")}");
        }
    }
}
