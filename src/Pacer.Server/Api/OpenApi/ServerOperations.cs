using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>The server about itself.</summary>
internal static class ServerOperations
{
    private const string Tag = "Server";

    private static readonly Shape.Record Message = new("Message", new Field("message", new Shape.Text(), Required: true));

    private static readonly Shape.Record Plugins = new("Plugins", new Field("plugins", new Shape.List(new Shape.Anything()), Required: true));

    private static readonly Shape.Record LogLevel = new("LogLevel",
        new("level", new Shape.Text(Values: ["trace", "debug", "info", "warn", "error"]), Required: true),
        new("logger", new Shape.Text(), Required: true) { Note = "With all whose names begin with it; ROOT: all." },
        new("durationSeconds", new Shape.Whole(1, int.MaxValue)) { Note = "After it the level is what it was; absent: it stays." });

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/info", "Show version and settings", new Answer(200, "Under Marathon's names.", ClusterAnswerShapes.Info)),
        new(Tag, "GET", "/v2/leader", "Show who leads", new Answer(200, "Its address.", ClusterAnswerShapes.Leader)),
        new(Tag, "DELETE", "/v2/leader", "Give up the lead and take it again", new Answer(200, "It will, half a second later.", Message))
        {
            Query =
            [
                new("backup", new Shape.Text(), "A file of the server's machine to write the state to first, as a path or file:///PATH."),
                new("restore", new Shape.Text(), "A backup to go on with."),
            ],
            Note = "Without another server the same one leads again, a moment later and at the same address.",
        },
        new(Tag, "GET", "/v2/plugins", "List plugins", new Answer(200, "There are none.", Plugins)),
        .. ((string[])["GET", "POST", "PUT", "DELETE"]).Select(method => new Operation(
            Tag, method, "/v2/plugins/{pluginId}/{path}", "Call a plugin", new Answer(404, "No plugin of that id.", Message))),
        new(Tag, "GET", "/metrics", "Show measurements", new Answer(200, "In Marathon's shape; Prometheus' text for Accept: text/plain.", new Shape.Map(new Shape.Anything()))),
        new(Tag, "GET", "/metrics/prometheus", "Show measurements to Prometheus", new Answer(200, "Its text format.", null, "text/plain")),
        new(Tag, "GET", "/logging", "List loggers and their levels", new Answer(200, "Level by logger.", new Shape.Map(new Shape.Text()))),
        new(Tag, "POST", "/logging", "Change the level of a logger", new Answer(200, "What was asked for.", LogLevel))
        {
            Body = LogLevel,
        },
        new(Tag, "GET", "/help", "Show what there is", new Answer(200, "A short text.", null, "text/plain")),
        new(Tag, "GET", "/ping", "Ask whether the server is there", new Answer(200, "pong", null, "text/plain")),
        new(Tag, "GET", "/", "Show what there is", new Answer(200, "A short text.", null, "text/plain")),
        new(Tag, "GET", "/openapi.json", "This document", new Answer(200, "OpenAPI 3.1.", new Shape.Map(new Shape.Anything()))),
        new(Tag, "GET", "/docs", "Try the API in a browser", new Answer(200, "A page.", null, "text/html")),
    ];
}
