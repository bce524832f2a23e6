using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api;

/// <summary>A task of a request's path, and the node that has it.</summary>
internal sealed record TaskLocation(TaskId TaskId, Instance Instance, AgentId AgentId)
{
    /// <summary>Throws <see cref="ApiException"/> (404) when there is no such task or it was never placed.</summary>
    public static TaskLocation Find(HttpContext http, ClusterState state)
    {
        var id = new TaskId((string)http.GetRouteValue("taskId")!);
        return id.TryGetInstance(out var instanceId, out _, out _)
            && state.Instance(instanceId) is { Placement: { } placement } instance
            && instance.Tasks.Any(task => task.Id == id)
            ? new TaskLocation(id, instance, placement.AgentId)
            : throw new ApiException(ApiErrors.TaskNotFound(id.Value));
    }
}
