using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.QueryParameters;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Everything under <c>/v2/tasks</c>.</summary>
internal static class TaskOperations
{
    private const string Tag = "Tasks";

    private static readonly Parameter Path = new("path", new Shape.Text(), "A file, relative to the task's sandbox.") { Required = true };
    private static readonly Parameter Offset = new("offset", new Shape.Whole(), "Where to start, in bytes; below 0 from the end.");
    private static readonly Parameter Length = new("length", new Shape.Whole(), "How much, in bytes; -1 for the rest.");

    private static readonly Shape.Record Statistics = new("Statistics",
        new("timestamp", new Shape.Number(), Required: true),
        new("cpus_time_secs", new Shape.Number()),
        new("cpus_user_time_secs", new Shape.Number()),
        new("cpus_system_time_secs", new Shape.Number()),
        new("cpus_limit", new Shape.Number()),
        new("cpus_nr_periods", new Shape.Whole()),
        new("cpus_nr_throttled", new Shape.Whole()),
        new("cpus_throttled_time_secs", new Shape.Number()),
        new("mem_total_bytes", new Shape.Whole()),
        new("mem_limit_bytes", new Shape.Whole()),
        new("processes", new Shape.Whole()));

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/tasks", "List the tasks of all apps", new Answer(200, "Tasks; lines of endpoints with Accept: text/plain.", AnswerShapes.TaskList))
        {
            Query = [new("status", new Shape.Text(Values: ["running", "staging"]), "Only tasks in this state.") { Repeats = true }, .. LongPoll],
        },
        new(Tag, "POST", "/v2/tasks/delete", "End several tasks", new Answer(200, "The tasks that are ended; with scale the deployment.", AppOperations.Either(AnswerShapes.TaskList)))
        {
            Body = new Shape.Record("DeleteTasks", new Field("ids", new Shape.List(new Shape.Text()), Required: true)),
            Query = [Scale, Force, Wipe],
        },
        new(Tag, "GET", "/v2/tasks/{taskId}/files/browse", "List a directory of a sandbox", new Answer(200, "Files and directories.", ClusterAnswerShapes.SandboxEntries))
        {
            Query = [Path with { Required = false }],
        },
        new(Tag, "GET", "/v2/tasks/{taskId}/files/read", "Read a part of a file", new Answer(200, "The part as text.", ClusterAnswerShapes.SandboxData))
        {
            Query = [Path, Offset, Length],
        },
        new(Tag, "GET", "/v2/tasks/{taskId}/files/download", "Read a file or a part of it", new Answer(200, "The bytes.", null, "application/octet-stream"))
        {
            Query = [Path, Offset, Length],
        },
        new(Tag, "GET", "/v2/tasks/{taskId}/files/follow", "Read a file and what is added to it", new Answer(200, "The bytes, as they come.", null, "text/plain"))
        {
            Query = [Path, Offset],
        },
        new(Tag, "GET", "/v2/tasks/{taskId}/statistics", "Show what a running task uses",
            new Answer(200, "What its node can tell; the rest is absent.", Statistics)),
        new(Tag, "GET", "/v2/tasks/{taskId}/exec", "Run a command in a task, over a WebSocket", new Answer(101, "Frames: see pacer task exec."))
        {
            Query =
            [
                new("cmd", new Shape.Text(), "The program, then each argument.") { Repeats = true, Required = true },
                Flag("tty", "With a terminal."), Flag("stdin", "With an input."),
                new("rows", new Shape.Whole(0, 10_000), "Height of the terminal."),
                new("columns", new Shape.Whole(0, 10_000), "Width of the terminal."),
                new("user", new Shape.Text(), "Another user than that of the task."),
            ],
        },
    ];
}
