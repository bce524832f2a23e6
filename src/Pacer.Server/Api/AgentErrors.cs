using Pacer.Contracts.AgentLink;
using Pacer.Server.Agents;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api;

/// <summary>What can go wrong at a task's node, as the API answers it.</summary>
internal static class AgentErrors
{
    public static ApiError Unreachable(string message) => new(503, message) { RetryAfterSeconds = 5 };

    /// <summary>Null when the conversation ended well.</summary>
    public static ApiError? Of(SessionEnd end) => end.ErrorKind switch
    {
        "" when end.Error.Length == 0 => null,
        "not-found" => new ApiError(404, end.Error),
        "refused" => new ApiError(400, end.Error),
        _ => new ApiError(500, end.Error.Length > 0 ? end.Error : "The node could not do it; its log says more."),
    };

    /// <summary>Throws <see cref="ApiException"/> (503) when the node is out of reach.</summary>
    public static async Task<T> MapAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (AgentUnreachableException e)
        {
            throw new ApiException(Unreachable(e.Message));
        }
    }
}
