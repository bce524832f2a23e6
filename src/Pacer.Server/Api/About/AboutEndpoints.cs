using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Responses;
using Pacer.Server.Hosting;
using Pacer.Server.Loop;

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
          /metrics          measurements (/metrics/prometheus for Prometheus)
          /logging          levels of logging, and to change them
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
        app.MapRead("/", HomeAsync);
        app.MapRead("/help", HomeAsync);
        app.MapRead("/ping", PingAsync);
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        app.MapRead("/v2/leader", http => SnapshotRead.AnswerAsync(http, loop, _ => [identity], _ =>
            ApiResponse.WriteAsync(http, 200, new LeaderName { Leader = identity.Leader }, ClusterJson.Plain.LeaderName)));
        app.MapDelete("/v2/leader", ApiRoute.Guard(http => AbdicateAsync(http, app.Services.GetRequiredService<Abdication>())));
        app.MapRead("/v2/info", http => SnapshotRead.AnswerAsync(http, loop, _ => [identity], _ =>
            ApiResponse.WriteBytesAsync(http, 200, ServerInfo.Render(identity))));
        app.MapRead("/v2/plugins", http => ApiResponse.WriteBytesAsync(http, 200, "{\"plugins\":[]}"u8.ToArray()));
        app.MapMethods("/v2/plugins/{id}/{**path}", ["GET", "HEAD", "PUT", "POST", "DELETE"], ApiRoute.Guard(http =>
            ApiResponse.WriteErrorAsync(http, new ApiError(404, $"No plugin with this pluginId: {http.GetRouteValue("id")}"))));
    }

    private static Task HomeAsync(HttpContext http) =>
        ApiResponse.WriteTextAsync(http, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Home));

    private static Task AbdicateAsync(HttpContext http, Abdication abdication)
    {
        abdication.Begin(Abdication.Wish.Read(http));
        return ApiResponse.WriteBytesAsync(http, 200, "{\"message\":\"Leadership abdicated\"}"u8.ToArray());
    }

    private static Task PingAsync(HttpContext http)
    {
        var accepted = http.Request.GetTypedHeaders().Accept;
        if (accepted.Count == 0)
        {
            return ApiResponse.WriteTextAsync(http, Pongs[0].Type, Pongs[0].Body);
        }
        foreach (var wanted in accepted.OrderByDescending(type => type.Quality ?? 1))
        {
            foreach (var (type, body) in Pongs)
            {
                if (wanted.Quality is not 0 && wanted.MatchesMediaType(type))
                {
                    return ApiResponse.WriteTextAsync(http, type, body);
                }
            }
        }
        return ApiResponse.WriteEmptyAsync(http, StatusCodes.Status204NoContent);
    }
}
