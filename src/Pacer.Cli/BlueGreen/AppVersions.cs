using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.BlueGreen;

/// <summary>Labels of a blue/green deployment: those of Marathon-LB, and Pacer's share.</summary>
internal static class DeployLabels
{
    public const string Group = "HAPROXY_DEPLOYMENT_GROUP";
    public const string AltPort = "HAPROXY_DEPLOYMENT_ALT_PORT";
    public const string Colour = "HAPROXY_DEPLOYMENT_COLOUR";
    public const string StartedAt = "HAPROXY_DEPLOYMENT_STARTED_AT";
    public const string Target = "HAPROXY_DEPLOYMENT_TARGET_INSTANCES";
    public const string NewInstances = "HAPROXY_DEPLOYMENT_NEW_INSTANCES";
    public const string AppId = "HAPROXY_APP_ID";
    public const string Share = "PACER_LB_SHARE";

    /// <summary>"" when there is none.</summary>
    public static string Label(this JsonNode? app, string name) => app is JsonObject known ? known["labels"].Text(name) : "";

    public static int? Whole(this JsonNode? app, string name) =>
        int.TryParse(app.Label(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>The apps that are versions of one service, as the API gives them.</summary>
/// <param name="Service">"/shop/web": what the balancer calls them together.</param>
internal sealed record AppVersions(string Service, JsonNode? Old, JsonNode? New)
{
    /// <summary>The group with a slash in front, or the app's own id.</summary>
    public static string ServiceOf(JsonNode app) => "/" + (app.Label(DeployLabels.Group) is { Length: > 0 } group ? group : app.Text("id")).Trim('/');

    /// <param name="apps">All there are.</param>
    /// <param name="id">The service, or one of its versions.</param>
    public static AppVersions Find(IEnumerable<JsonNode> apps, string id)
    {
        var all = apps.ToList();
        var service = all.Find(app => app.Text("id") == id) is { } named ? ServiceOf(named) : id;
        var members = all.Where(app => ServiceOf(app) == service).OrderBy(Started).ThenBy(app => app.Text("id"), StringComparer.Ordinal).ToList();
        return members.Count switch
        {
            0 => new AppVersions(service, null, null),
            1 => new AppVersions(service, null, members[0]),
            2 => new AppVersions(service, members[0], members[1]),
            _ => throw new CliException(ExitCode.Refused,
                $"{service} has more than two versions: {string.Join(", ", members.Select(app => app.Text("id")))}. Remove those that are too many: pacer app remove ID."),
        };
    }

    /// <summary>The versions are swapped as this says.</summary>
    /// <param name="complete">Go on to the end, whatever the canary was to be.</param>
    public static Plan PlanOf(JsonNode newest, bool complete, int? hold, int? increase, TimeSpan timeout, TimeSpan maxWait)
    {
        var together = Math.Max(1, newest.Whole(DeployLabels.Target) ?? newest.Count("instances"));
        var canary = newest.Whole(DeployLabels.NewInstances) ?? 0;
        var surge = newest.Label(DeployLabels.Share).Length > 0 ? Math.Min(canary, together - 1) : 0;
        return new Plan(together - surge, complete ? 0 : hold ?? canary, surge, increase, timeout, maxWait);
    }

    public static DateTimeOffset Started(JsonNode app) =>
        DateTimeOffset.TryParse(app.Label(DeployLabels.StartedAt), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : DateTimeOffset.MinValue;
}
