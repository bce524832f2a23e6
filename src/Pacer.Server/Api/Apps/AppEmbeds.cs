namespace Pacer.Server.Api.Apps;

/// <summary>What an answer shows of an app besides its definition.</summary>
[Flags]
internal enum AppEmbeds
{
    None = 0,
    Tasks = 1,
    Counts = 2,
    Deployments = 4,
    Readiness = 8,
    LastTaskFailure = 16,
    TaskStats = 32,
}

internal static class AppEmbedsQuery
{
    private static readonly string[] Prefixes = ["group.apps.", "apps.", "app."];

    /// <summary>Reads the <c>embed</c> parameters; unknown ones have no effect.</summary>
    public static AppEmbeds Parse(IEnumerable<string?> values)
    {
        var embeds = AppEmbeds.None;
        foreach (var value in values)
        {
            var name = value ?? "";
            foreach (var prefix in Prefixes)
            {
                if (name.StartsWith(prefix, StringComparison.Ordinal))
                {
                    name = name[prefix.Length..];
                    break;
                }
            }
            embeds |= name switch
            {
                "tasks" => AppEmbeds.Tasks | AppEmbeds.Deployments,
                "counts" => AppEmbeds.Counts,
                "deployments" => AppEmbeds.Deployments,
                "readiness" => AppEmbeds.Readiness,
                "lastTaskFailure" => AppEmbeds.LastTaskFailure,
                "failures" => AppEmbeds.Tasks | AppEmbeds.LastTaskFailure | AppEmbeds.Deployments,
                "taskStats" => AppEmbeds.TaskStats,
                _ => AppEmbeds.None,
            };
        }
        return embeds;
    }
}
