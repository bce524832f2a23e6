using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>The server about itself.</summary>
internal static class ServerOperations
{
    private const string Tag = "Server";

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/info", "Show version and settings", new Answer(200, "Under Marathon's names.", ClusterAnswerShapes.Info)),
        new(Tag, "GET", "/v2/leader", "Show who leads", new Answer(200, "Its address.", ClusterAnswerShapes.Leader)),
        new(Tag, "GET", "/ping", "Ask whether the server is there", new Answer(200, "pong", null, "text/plain")),
        new(Tag, "GET", "/", "Show what there is", new Answer(200, "A short text.", null, "text/plain")),
        new(Tag, "GET", "/openapi.json", "This document", new Answer(200, "OpenAPI 3.1.", new Shape.Map(new Shape.Anything()))),
        new(Tag, "GET", "/docs", "Try the API in a browser", new Answer(200, "A page.", null, "text/html")),
    ];
}
