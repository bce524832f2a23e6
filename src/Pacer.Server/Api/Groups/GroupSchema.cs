using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Pods;

namespace Pacer.Server.Api.Groups;

/// <summary>The bodies of group requests.</summary>
internal static class GroupSchema
{
    private static readonly Shape.Text PathId = new(Min: 1, Max: 4096, Pattern: TextPatterns.PathId);

    // A pod, or its status as an answer shows it, which holds the pod as "spec".
    private static readonly Shape.Record PodElement = new("PodOfGroup",
    [
        .. PodSchema.Pod.Fields.Select(field => field with { Required = false }),
        new("spec", PodSchema.Pod),
        .. ((string[])["status", "statusSince", "message", "instances", "terminationHistory", "lastUpdated", "lastChanged"])
            .Select(name => new Field(name, new Shape.Anything()) { ReadOnly = true }),
    ]);

    public static readonly Shape.Record Update = MakeUpdate();

    public static readonly Shape.Record Patch = new("GroupPartialUpdate", new Field("enforceRole", new Shape.Flag()));

    // Groups hold groups: the shape is part of itself, so its last field is put in afterwards.
    private static Shape.Record MakeUpdate()
    {
        var fields = new Field[]
        {
            new("id", PathId),
            new("apps", AppSchema.Apps),
            new("pods", new Shape.List(PodElement, Max: 10_000)),
            new("dependencies", new Shape.List(PathId)),
            new("scaleBy", new Shape.Number(0)),
            new("version", new Shape.Text(Format: "date-time")),
            new("enforceRole", new Shape.Flag()),
            new("groups", new Shape.Anything()),
        };
        var record = new Shape.Record("GroupUpdate", fields);
        fields[^1] = new("groups", new Shape.List(record, Max: 10_000));
        return record;
    }
}
