using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Core.Model;
using Pacer.Server.Agents;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;
using Wire = Pacer.Contracts.AgentLink;

namespace Pacer.Server.Api.Exec;

/// <summary>Runs a command inside a running task, over a WebSocket (not part of Marathon's API). Frames: <see cref="ExecSocket"/>.</summary>
internal static class ExecEndpoint
{
    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        var sessions = app.Services.GetRequiredService<IAgentSessions>();
        var stopping = app.Lifetime.ApplicationStopping;
        app.MapGet("/v2/tasks/{taskId}/exec", ApiRoute.Guard(http => ExecAsync(http, loop, sessions, stopping)));
    }

    private static async Task ExecAsync(HttpContext http, IClusterLoop loop, IAgentSessions sessions, CancellationToken stopping)
    {
        var command = http.Request.Query["cmd"];
        if (command.Count == 0 || string.IsNullOrEmpty(command[0]))
        {
            throw new ApiException(ApiErrors.BadRequest("The query parameter cmd is missing: give it once for the program and once for each argument."));
        }
        var exec = new Wire.Exec
        {
            Tty = AppQuery.Flag(http, "tty"),
            Stdin = AppQuery.Flag(http, "stdin"),
            Rows = (int)Math.Clamp(Query.Number(http, "rows", 0), 0, 10_000),
            Columns = (int)Math.Clamp(Query.Number(http, "columns", 0), 0, 10_000),
            User = http.Request.Query["user"].FirstOrDefault() ?? "",
        };
        exec.Command.AddRange(command.Select(argument => argument ?? ""));

        var location = TaskLocation.Find(http, loop.State);
        var task = location.Instance.Tasks.First(candidate => candidate.Id == location.TaskId);
        if (task.Condition is not (Condition.Running or Condition.Starting or Condition.Killing))
        {
            throw new ApiException(new ApiError(409, $"Task '{task.Id}' is not running: it is {task.Condition.ToMesosState()}."));
        }

        // Last, so that who was refused a WebSocket can ask why without one.
        if (!http.WebSockets.IsWebSocketRequest)
        {
            throw new ApiException(new ApiError(426, "This address speaks WebSocket only; on the command line use: pacer task exec TASK COMMAND."));
        }

        // Opened before the upgrade: as long as this is HTTP, what goes wrong has a status.
        var request = new Wire.OpenSession { TaskId = task.Id.Value, Exec = exec };
        await using var session = await AgentErrors.MapAsync(() => sessions.OpenAsync(location.AgentId, request, http.RequestAborted));
        using var webSocket = await http.WebSockets.AcceptWebSocketAsync();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        await new ExecSocket(webSocket, session).RunAsync(ended);
    }
}
