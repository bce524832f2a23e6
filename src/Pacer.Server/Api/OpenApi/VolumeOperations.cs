using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.AnswerShapes;

namespace Pacer.Server.Api.OpenApi;

internal static class VolumeOperations
{
    public static readonly Operation[] All =
    [
        new("Volumes", "GET", "/pacer/volumes", "List persistent volumes", new Answer(200, "By app or pod.", new Shape.Record("VolumeList",
            new Field("volumes", new Shape.List(new Shape.Record("VolumeInfo",
                new("id", Text, Required: true),
                new("app", Text),
                new("pod", Text),
                new("name", Text) { Note = "Container path of an app's volume, name of a pod's." },
                new("instance", Text) { Note = "The only one that may use it; absent: none may any more." },
                new("task", Text) { Note = "The instance's latest, or one of them." },
                new("nodeId", Text),
                new("hostname", Text),
                new("nodeState", new Shape.Text(Values: ["connected", "disconnected", "lost", "removed"])),
                new("size", new Shape.Number()) { Note = "MiB." },
                new("type", new Shape.Text(Values: ["root", "path", "mount"])),
                new("disk", Text) { Note = "Where the disk is on the node; absent: the agent's own." },
                new("state", new Shape.Text(Values: ["in-use", "waiting", "suspended", "wiping", "unclaimed"]), Required: true))), Required: true))))
        {
            Query = QueryParameters.LongPoll,
        },
    ];
}
