using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Server.Agents;
using Pacer.Server.Api.Files;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Tasks;

/// <summary>Live use of one task, asked of its node (not part of Marathon's API; names as in Mesos' statistics).</summary>
internal static class StatisticsEndpoint
{
    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        var sessions = app.Services.GetRequiredService<IAgentSessions>();
        app.MapGet("/v2/tasks/{taskId}/statistics", ApiRoute.Guard(
            http => ReadAsync(http, new SandboxReader(sessions, TaskLocation.Find(http, loop.State), http.RequestAborted))));
    }

    private static async Task ReadAsync(HttpContext http, SandboxReader node)
    {
        await foreach (var message in node.OpenAsync(new OpenSession { Statistics = new ReadStatistics() }))
        {
            if (message.Statistics is { } told)
            {
                await ApiResponse.WriteAsync(http, 200, Render(told), ClusterJson.Plain.StatisticsInfo);
                return;
            }
        }
        throw new ApiException(AgentErrors.Unreachable("The node told nothing."));
    }

    private static StatisticsInfo Render(Contracts.AgentLink.TaskStatistics told) => new()
    {
        Timestamp = told.TimestampMs / 1000.0,
        CpusTimeSecs = told.HasCpuSeconds ? told.CpuSeconds : null,
        CpusUserTimeSecs = told.HasCpuUserSeconds ? told.CpuUserSeconds : null,
        CpusSystemTimeSecs = told.HasCpuSystemSeconds ? told.CpuSystemSeconds : null,
        CpusLimit = told.HasCpuLimit ? told.CpuLimit : null,
        CpusNrPeriods = told.HasCpuPeriods ? told.CpuPeriods : null,
        CpusNrThrottled = told.HasCpuThrottledPeriods ? told.CpuThrottledPeriods : null,
        CpusThrottledTimeSecs = told.HasCpuThrottledSeconds ? told.CpuThrottledSeconds : null,
        MemTotalBytes = told.HasMemoryBytes ? told.MemoryBytes : null,
        MemLimitBytes = told.HasMemoryLimitBytes ? told.MemoryLimitBytes : null,
        Processes = told.HasProcesses ? told.Processes : null,
    };
}
