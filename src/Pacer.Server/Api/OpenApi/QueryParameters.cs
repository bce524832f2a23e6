using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Query parameters that several operations share.</summary>
internal static class QueryParameters
{
    public static readonly Parameter Force = Flag("force", "Cancel the deployments that are in the way.");
    public static readonly Parameter Scale = Flag("scale", "Lower the wanted number of instances by those that are ended.");
    public static readonly Parameter Wipe = Flag("wipe", "Forget the instances with all that they keep on their nodes.");
    public static readonly Parameter PartialUpdate =
        Flag("partialUpdate", "Change only the members that are given; false: replace the whole definition.", absent: true);

    public static readonly Parameter AppEmbed = new("embed", new Shape.Text(Values: AppEmbedWords("apps.")), "What to show besides the definition.") { Repeats = true };

    public static readonly Parameter GroupEmbed = new(
        "embed", new Shape.Text(Values: ["group.groups", "group.apps", "group.pods", .. AppEmbedWords("group.apps.")]),
        "What to show; without it everything that a group holds.") { Repeats = true };

    /// <summary>Of reads that can wait for something new.</summary>
    public static readonly Parameter[] LongPoll =
    [
        new("wait", new Shape.Whole(0, 300), "Answer only when there is something new, or after this many seconds."),
        new("index", new Shape.Whole(), "What counts as known: the X-Pacer-Index of an earlier answer; without it the If-None-Match."),
    ];

    public static Parameter Flag(string name, string note, bool absent = false) => new(name, new Shape.Flag(), note) { Default = absent };

    private static string[] AppEmbedWords(string prefix) =>
        [.. ((string[])["tasks", "counts", "deployments", "readiness", "lastTaskFailure", "failures", "taskStats"]).Select(word => prefix + word)];
}
