namespace Pacer.Server.Api.Groups;

/// <summary>What an answer shows of a group besides its own fields.</summary>
internal sealed record GroupEmbeds(bool Apps, bool Pods, bool Groups)
{
    /// <summary>Without any <c>embed</c> everything is shown; with some, only what they name. Unknown ones have no effect.</summary>
    public static GroupEmbeds Parse(IReadOnlyCollection<string?> values) => values.Count == 0
        ? new GroupEmbeds(true, true, true)
        : new GroupEmbeds(values.Contains("group.apps"), values.Contains("group.pods"), values.Contains("group.groups"));
}
