using Microsoft.AspNetCore.Http;
using Pacer.Core.Cluster;

namespace Pacer.Server.Api.Responses;

/// <summary>The one table from the core's answers to HTTP.</summary>
internal static class CommandResults
{
    /// <summary>The refusal that this result is; null when it is a success.</summary>
    public static ApiError? ToError(CommandResult result) => result switch
    {
        CommandResult.Deploying or CommandResult.Done => null,
        CommandResult.Stale => ApiErrors.Contended(),
        CommandResult.Conflict conflict => ApiErrors.Locked([.. conflict.Deployments.Select(id => id.Value)]),
        CommandResult.TooManyDeployments tooMany => ApiErrors.TooManyDeployments(tooMany.Limit),
        CommandResult.RunSpecNotFound notFound => ApiErrors.AppNotFound(notFound.Id.Path),
        CommandResult.GroupNotFound notFound => ApiErrors.GroupNotFound(notFound.GroupId),
        CommandResult.DeploymentNotFound notFound => ApiErrors.DeploymentNotFound(notFound.Id.Value),
        CommandResult.SecretNotFound notFound => ApiErrors.SecretNotFound(notFound.Name),
        CommandResult.NodeNotFound notFound => ApiErrors.NodeNotFound(notFound.Id.Value),
        CommandResult.NodeConnected connected => ApiErrors.NodeConnected(connected.Hostname),
        CommandResult.NotQueued notQueued => ApiErrors.NotQueued(notQueued.Id.Path),
        CommandResult.Invalid invalid => ApiErrors.InvalidObject(invalid.Path, invalid.Message),
        CommandResult.ServicePortsExhausted exhausted => ApiErrors.ServicePortsExhausted(exhausted.Min, exhausted.Max),
        _ => ApiErrors.Internal(),
    };

    /// <summary>
    /// Answers refusals with their error and deployments with <c>{"version","deploymentId"}</c>. <see cref="CommandResult.Done"/> has no
    /// common body: it is answered 204 here, and callers that owe a body write it themselves.
    /// </summary>
    public static Task WriteAsync(HttpContext http, CommandResult result, int deployingStatus = 200) => result switch
    {
        CommandResult.Deploying deploying =>
            ApiResponse.WriteDeploymentAsync(http, deploying.DeploymentId, deploying.Version, deployingStatus),
        CommandResult.Done => ApiResponse.WriteEmptyAsync(http, StatusCodes.Status204NoContent),
        _ => ApiResponse.WriteErrorAsync(http, ToError(result)!),
    };
}
