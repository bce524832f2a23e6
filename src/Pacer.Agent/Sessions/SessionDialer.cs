using Grpc.Core;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Agent.Node;
using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>Dials a stream of its own for each session that the server asks for, and serves it: files of a sandbox, commands in a task.</summary>
internal sealed partial class SessionDialer(TaskTable tasks, Sandboxes sandboxes, IContainerRuntime runtime, ILogger logger, CancellationToken stopping)
{
    private const int MostAtOnce = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private int _open;

    public void Open(OpenSession request, AgentLink.AgentLinkClient client) => _ = ServeAsync(request, client);

    private async Task ServeAsync(OpenSession request, AgentLink.AgentLinkClient client)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var full = Interlocked.Increment(ref _open) > MostAtOnce;
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            using var call = client.Session(cancellationToken: ended.Token);
            using var stream = new SessionStream(call.RequestStream, call.ResponseStream, ended);
            await stream.WriteAsync(new SessionMessage { SessionId = request.SessionId }).ConfigureAwait(false);
            SessionEnd end;
            try
            {
                end = full
                    ? throw new SessionException(SessionException.Refused, "The node serves too many sessions at once; try again later")
                    : await ServeAsync(request, stream).ConfigureAwait(false);
            }
            catch (SessionException e)
            {
                end = new SessionEnd { Error = e.Message, ErrorKind = e.Kind };
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                end = new SessionEnd { Error = e.Message, ErrorKind = SessionException.Failed };
            }
            catch (Exception e) when (e is not (RpcException or OperationCanceledException or InvalidOperationException))
            {
                LogUnexpected(logger, request.SessionId, e);
                end = new SessionEnd { Error = "The session failed at the node; the agent's log says why", ErrorKind = SessionException.Failed };
            }
            await stream.EndAsync(end, Patience).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or IOException or InvalidOperationException)
        {
            // The reader went away or contact is lost; the server knows as well.
            LogEnded(logger, request.SessionId, e.Message);
        }
        catch (Exception e)
        {
            LogUnexpected(logger, request.SessionId, e);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task<SessionEnd> ServeAsync(OpenSession request, SessionStream stream)
    {
        if (!TaskPlan.IsSafeName(request.TaskId))
        {
            throw new SessionException(SessionException.NotFound, $"There is no task '{request.TaskId}' on this node");
        }
        tasks.TryFind(request.TaskId, out var task);
        var sandbox = sandboxes.PathOf(request.TaskId);
        if (!Directory.Exists(sandbox))
        {
            throw new SessionException(SessionException.NotFound, $"There is no task '{request.TaskId}' on this node, or its files have been removed");
        }
        switch (request.KindCase)
        {
            case OpenSession.KindOneofCase.Browse:
                await stream.WriteAsync(new SessionMessage { Entries = FileBrowser.List(sandbox, request.Browse.Path) }).ConfigureAwait(false);
                return new SessionEnd();

            case OpenSession.KindOneofCase.Read:
                stream.Listen(null);
                await new FileReader(sandbox, task, stream).ReadAsync(request.Read).ConfigureAwait(false);
                return new SessionEnd();

            case OpenSession.KindOneofCase.Exec:
                return task?.Snapshot is { Phase: TaskPhase.Running } running
                    ? await ExecSession.RunAsync(runtime, running.ContainerId, request.Exec, stream).ConfigureAwait(false)
                    : throw new SessionException(SessionException.Refused, "The task is not running");

            case OpenSession.KindOneofCase.Statistics:
                var usage = task?.Snapshot is { Phase: TaskPhase.Running } live
                    ? await runtime.ReadUsageAsync(live.ContainerId, stream.Ended).ConfigureAwait(false)
                    : throw new SessionException(SessionException.Refused, "The task is not running");
                await stream.WriteAsync(new SessionMessage { Statistics = Statistics.Of(usage, tasks.NowMs) }).ConfigureAwait(false);
                return new SessionEnd();

            default:
                throw new SessionException(SessionException.Refused, "This agent does not know that kind of session");
        }
    }

    [LoggerMessage(2801, LogLevel.Debug, "Session {Session} ended: {Cause}")]
    private static partial void LogEnded(ILogger logger, string session, string cause);

    [LoggerMessage(2802, LogLevel.Error, "Unexpected error in session {Session}")]
    private static partial void LogUnexpected(ILogger logger, string session, Exception e);
}
