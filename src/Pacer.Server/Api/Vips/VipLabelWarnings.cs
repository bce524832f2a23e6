using System.Text.Json;
using Pacer.Contracts.Vips;

namespace Pacer.Server.Api.Vips;

/// <summary>
/// What is wrong with labels for virtual IPs in a body that is about to be deployed. The app runs all the same, as with any label; only the
/// virtual IP is missing, and its author should not have to wonder why.
/// </summary>
internal static class VipLabelWarnings
{
    private const int MostDepth = 32;

    public static IEnumerable<string> Of(JsonElement body) => Walk(body, "", "", MostDepth);

    private static IEnumerable<string> Walk(JsonElement element, string path, string list, int depth)
    {
        if (depth == 0)
        {
            return [];
        }
        return element.ValueKind switch
        {
            JsonValueKind.Array => element.EnumerateArray().SelectMany((item, index) => Walk(item, $"{path}/{index}", list, depth - 1)),
            JsonValueKind.Object => element.EnumerateObject().SelectMany(member =>
                member.NameEquals("labels") && list is "portDefinitions" or "portMappings" or "endpoints" or "ports"
                    ? Check(member.Value, path + "/labels")
                    : Walk(member.Value, $"{path}/{member.Name}", member.Name, depth - 1)),
            _ => [],
        };
    }

    private static IEnumerable<string> Check(JsonElement labels, string path)
    {
        if (labels.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }
        foreach (var label in labels.EnumerateObject())
        {
            if (VipLabel.IsKey(label.Name) && label.Value.ValueKind == JsonValueKind.String && VipLabel.Read(label.Value.GetString()!, out var wrong) is null)
            {
                yield return $"{path}/{label.Name}: {wrong}: there is no virtual IP. {VipLabel.Remedy}";
            }
        }
    }
}
