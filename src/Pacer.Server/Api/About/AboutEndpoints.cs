using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Responses;
using Pacer.Server.Hosting;

namespace Pacer.Server.Api.About;

/// <summary>Whether the server is there, what it is and who leads.</summary>
internal static class AboutEndpoints
{
    private const string Home = """
        Pacer: container orchestrator

        REST API (Marathon v2):
          /v2/apps          apps: list, create, change, remove
          /v2/groups        groups of apps: one change for many
          /v2/deployments   changes under way
          /v2/tasks         running tasks
          /v2/queue         instances that wait for a place, and why
          /v2/nodes         nodes and what is free on them
          /v2/events        what happens, as server-sent events (Accept: text/event-stream)
          /v2/info          version and settings
          /ping             pong
          /openapi.json     the whole API as an OpenAPI document; /docs tries it in a browser

        On the command line: pacer app list, pacer task list, pacer --help

        """;

    private static readonly (string Type, byte[] Body)[] Pongs =
    [
        ("text/plain", "pong"u8.ToArray()),
        ("text/html", "pong"u8.ToArray()),
        ("application/json", "\"pong\""u8.ToArray()),
    ];

    public static void Map(WebApplication app)
    {
        var identity = app.Services.GetRequiredService<ServerIdentity>();
        app.MapMethods("/", ["GET", "HEAD"], ApiRoute.Guard(http => WriteTextAsync(http, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Home))));
        app.MapMethods("/ping", ["GET", "HEAD"], ApiRoute.Guard(PingAsync));
        app.MapGet("/v2/leader", ApiRoute.Guard(http =>
            ApiResponse.WriteAsync(http, 200, new LeaderName { Leader = identity.Leader }, ClusterJson.Plain.LeaderName)));
        app.MapGet("/v2/info", ApiRoute.Guard(http => ApiResponse.WriteBytesAsync(http, 200, ServerInfo.Render(identity))));
    }

    private static Task PingAsync(HttpContext http)
    {
        var accepted = http.Request.GetTypedHeaders().Accept;
        if (accepted.Count == 0)
        {
            return WriteTextAsync(http, Pongs[0].Type, Pongs[0].Body);
        }
        foreach (var wanted in accepted.OrderByDescending(type => type.Quality ?? 1))
        {
            foreach (var (type, body) in Pongs)
            {
                if (wanted.Quality is not 0 && wanted.MatchesMediaType(type))
                {
                    return WriteTextAsync(http, type, body);
                }
            }
        }
        return ApiResponse.WriteEmptyAsync(http, StatusCodes.Status204NoContent);
    }

    private static async Task WriteTextAsync(HttpContext http, string type, byte[] body)
    {
        http.Response.ContentType = type;
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }
}
