using System.Text.Json;

namespace Pacer.Agent.Networks;

/// <summary>
/// Lets the bridges' traffic pass where something else on the machine drops what is forwarded, as Docker does: an accept in the
/// agent's own table can't overrule that, so the rules have to stand in the other's chain. They carry the agent's mark.
/// </summary>
internal sealed class ForwardRules(NetworkTools tools, NetworkNaming naming)
{
    private static readonly string[] Directions = ["-i", "-o"];

    /// <summary>Puts in what is missing. Cheap when nobody else filters.</summary>
    public async Task EnsureAsync(IReadOnlyList<string> bridges)
    {
        foreach (var program in await ProgramsAsync().ConfigureAwait(false))
        {
            foreach (var bridge in bridges)
            {
                foreach (var direction in Directions)
                {
                    string[] rule = ["FORWARD", direction, bridge, "-m", "comment", "--comment", naming.Comment, "-j", "ACCEPT"];
                    if (!await tools.TryAsync(program, ["-w", "-C", .. rule]).ConfigureAwait(false))
                    {
                        await tools.DemandAsync(program, ["-w", "-I", .. rule]).ConfigureAwait(false);
                    }
                }
            }
        }
    }

    /// <summary>Takes out every rule with the agent's mark but those of <paramref name="bridges"/>.</summary>
    public async Task RemoveAsync(IReadOnlyList<string> bridges)
    {
        foreach (var program in await ProgramsAsync().ConfigureAwait(false))
        {
            var rules = await tools.RunAsync(program, ["-w", "-S", "FORWARD"]).ConfigureAwait(false);
            foreach (var line in rules.Output.Split('\n'))
            {
                var words = line.Replace("\"", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length > 2 && words[0] == "-A" && words.Contains(naming.Comment) && !words.Any(bridges.Contains))
                {
                    await tools.TryAsync(program, ["-w", "-D", .. words[1..]]).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>The variants of iptables whose FORWARD chain exists and may drop something.</summary>
    private async Task<IReadOnlyList<string>> ProgramsAsync()
    {
        var programs = new List<string>();
        var chains = await tools.RunAsync("nft", ["-j", "list", "chains", "ip"]).ConfigureAwait(false);
        if (HasForwardChain(chains.Output) && Containers.Oci.OciTools.Find("iptables-nft") is { } current)
        {
            programs.Add(current);
        }
        // Asking the older variant would load its tables; it says itself which it uses.
        var tables = await tools.RunAsync("/bin/sh", ["-c", "cat /proc/net/ip_tables_names 2>/dev/null"]).ConfigureAwait(false);
        if (tables.Output.Split('\n').Contains("filter") && Containers.Oci.OciTools.Find("iptables-legacy") is { } legacy)
        {
            programs.Add(legacy);
        }
        return programs;
    }

    /// <summary>Whether nft's list of chains has the one that iptables calls FORWARD.</summary>
    public static bool HasForwardChain(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty("nftables").EnumerateArray().Any(element =>
                element.TryGetProperty("chain", out var chain) && Text(chain, "table") == "filter" && Text(chain, "name") == "FORWARD");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
}
