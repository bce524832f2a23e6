using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.BlueGreen;

/// <summary>A canary: so many instances in the place of old ones, or as many beside them with a share of the requests.</summary>
internal sealed record Canary(int Instances, int? Percent)
{
    public static Canary? Parse(string? text, int initial)
    {
        if (text is null)
        {
            return null;
        }
        var isShare = text.EndsWith('%');
        if (!int.TryParse(isShare ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1 || (isShare && number > 99))
        {
            throw CliException.Usage($"--canary '{text}' is not valid. Give a number of instances such as 2, or a share of the requests such as 10%.");
        }
        return isShare ? new Canary(initial, number) : new Canary(number, null);
    }
}

/// <summary>Makes the definition of the other colour from a file and the version that runs. Pure.</summary>
internal static class NextVersion
{
    /// <param name="definition">As in the file; it is changed.</param>
    /// <param name="id">Its id with a slash in front.</param>
    /// <param name="current">The version that runs, from the API; null: this is the first.</param>
    /// <param name="initial">Instances to begin with.</param>
    public static JsonObject Make(JsonObject definition, string id, JsonNode? current, Canary? canary, int initial, DateTimeOffset now)
    {
        var labels = definition["labels"] switch
        {
            null => new JsonObject(),
            JsonObject known => known,
            _ => throw CliException.Usage("labels: not an object. Give texts by name, such as \"labels\": {\"HAPROXY_GROUP\": \"external\"}."),
        };
        definition["labels"] = labels;
        var wished = Instances(definition);
        var running = current?.Count("instances") ?? 0;
        var target = running > 0 ? running : Math.Max(1, wished ?? 1);
        if (canary is not null)
        {
            Check(canary, current, running);
        }
        var colour = current.Label(DeployLabels.Colour) == "blue" ? "green" : "blue";
        if (current is null)
        {
            (colour, initial) = ("blue", target);
        }
        var next = $"{id}-{colour}";
        if (next == current?.Text("id"))
        {
            throw new CliException(ExitCode.Refused, $"{next} runs already and has no label {DeployLabels.Colour} that says so. Give it one: {colour}.");
        }
        definition["id"] = next;
        definition["instances"] = canary is { Percent: not null } ? canary.Instances : Math.Min(Math.Min(initial, target), canary?.Instances ?? int.MaxValue);
        MovePorts(definition, labels, current);

        labels[DeployLabels.Group] = labels.Text(DeployLabels.Group, id.Trim('/'));
        labels[DeployLabels.Colour] = colour;
        // The balancer tells old from new by it, so it must be later whatever the clocks of two machines say.
        var earliest = current is null ? now : AppVersions.Started(current).AddMilliseconds(1);
        labels[DeployLabels.StartedAt] = (now > earliest ? now : earliest).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        labels[DeployLabels.Target] = Text(canary is { Percent: not null } ? target + canary.Instances : target);
        labels[DeployLabels.NewInstances] = Text(canary?.Instances ?? 0);
        labels[DeployLabels.AppId] = id;
        labels.Remove(DeployLabels.Share);
        if (canary?.Percent is { } percent)
        {
            labels[DeployLabels.Share] = Text(percent);
        }
        return definition;
    }

    /// <summary>As the file says; null: it does not.</summary>
    public static int? Instances(JsonObject definition) => definition["instances"] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out var number) && number >= 0 => number,
        var wrong => throw CliException.Usage($"instances: {JsonText.OneLine(wrong)} is no number of instances. Give 0 or more, such as 3."),
    };

    private static void Check(Canary canary, JsonNode? current, int running)
    {
        if (current is null)
        {
            throw CliException.Usage("--canary: no version runs yet that it could be compared with. Deploy the first without --canary.");
        }
        if (canary.Percent is null && canary.Instances >= running)
        {
            throw CliException.Usage(
                $"--canary {canary.Instances}: {current.Text("id")} has {running} instance{(running == 1 ? "" : "s")}, and a canary takes the place of fewer. "
                + "Give fewer, or a share of the requests such as 10%.");
        }
    }

    /// <summary>Service ports are unique in a cluster: the second version gets others, and the balancer listens where it did.</summary>
    private static void MovePorts(JsonObject definition, JsonObject labels, JsonNode? current)
    {
        var taken = current is null ? [] : ServicePorts.Of(current).Select(port => port.Number).ToHashSet();
        var alternative = labels.Text(DeployLabels.AltPort);
        if (alternative.Length > 0 && (!ushort.TryParse(alternative, NumberStyles.None, CultureInfo.InvariantCulture, out var checkedPort) || checkedPort == 0))
        {
            throw CliException.Usage($"{DeployLabels.AltPort}: '{alternative}' is no port. Give a service port of its own such as 10001.");
        }
        var index = 0;
        foreach (var port in ServicePorts.Of(definition))
        {
            var number = port.Number;
            if (number > 0)
            {
                var label = string.Create(CultureInfo.InvariantCulture, $"HAPROXY_{index}_PORT");
                labels[label] = labels.Text(label, Text(number));
                if (taken.Contains(number))
                {
                    var other = index == 0 && alternative.Length > 0 ? int.Parse(alternative, CultureInfo.InvariantCulture) : 0;
                    port.Set(taken.Contains(other) ? 0 : other); // 0: the server chooses one
                }
            }
            index++;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The service ports of a definition, wherever it has them.</summary>
internal sealed class ServicePorts
{
    private readonly JsonNode _holder;
    private readonly string? _member;
    private readonly int _index;

    private ServicePorts(JsonNode holder, string? member, int index) => (_holder, _member, _index) = (holder, member, index);

    /// <summary>0 when the server is to choose.</summary>
    public int Number => _member is not null ? _holder.Count(_member)
        : _holder[_index] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out var number) ? number : 0;

    public static List<ServicePorts> Of(JsonNode app)
    {
        foreach (var (owner, list, member) in new[] { (app.Member("container"), "portMappings", "servicePort"), (app.Member("container").Member("docker"), "portMappings", "servicePort"), (app, "portDefinitions", "port") })
        {
            if (owner.Items(list).ToList() is { Count: > 0 } items)
            {
                return [.. items.Select(item => new ServicePorts(item, member, 0))];
            }
        }
        return app.Member("ports") is JsonArray ports ? [.. ports.Select((_, index) => new ServicePorts(ports, null, index))] : [];
    }

    public void Set(int port)
    {
        if (_member is null)
        {
            _holder[_index] = port;
        }
        else
        {
            _holder[_member] = port;
        }
    }
}
