using Pacer.Contracts.AgentLink;
using Pacer.Server.Agents;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Files;

/// <summary>Asks the task's node for part of its sandbox. What goes wrong there comes out as <see cref="ApiException"/>.</summary>
internal sealed class SandboxReader(IAgentSessions sessions, TaskLocation location, CancellationToken aborted)
{
    /// <summary>What the node sends, without the closing message.</summary>
    public async IAsyncEnumerable<SessionMessage> OpenAsync(OpenSession request)
    {
        request.TaskId = location.TaskId.Value;
        await using var session = await AgentErrors.MapAsync(() => sessions.OpenAsync(location.AgentId, request, aborted));
        await using var messages = session.ReadAllAsync(aborted).GetAsyncEnumerator(aborted);
        while (await AgentErrors.MapAsync(async () => await messages.MoveNextAsync()))
        {
            if (messages.Current.BodyCase == SessionMessage.BodyOneofCase.End)
            {
                if (AgentErrors.Of(messages.Current.End) is { } error)
                {
                    throw new ApiException(error);
                }
                yield break;
            }
            yield return messages.Current;
        }
        throw new ApiException(AgentErrors.Unreachable("The node ended the conversation early."));
    }
}
