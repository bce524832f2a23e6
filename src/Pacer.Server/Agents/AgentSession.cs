using System.Runtime.CompilerServices;
using Grpc.Core;
using Pacer.Contracts.AgentLink;

namespace Pacer.Server.Agents;

/// <summary>One dialled session. gRPC's flow control bounds what is on its way in either direction.</summary>
internal sealed class AgentSession : IAgentSession
{
    private readonly IAsyncStreamReader<SessionMessage> _reader;
    private readonly IServerStreamWriter<SessionMessage> _writer;
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AgentSession(IAsyncStreamReader<SessionMessage> reader, IServerStreamWriter<SessionMessage> writer, CancellationToken broken)
    {
        _reader = reader;
        _writer = writer;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(broken);
        _stop.Token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), _ended);
    }

    /// <summary>Completes when either side is done with the session.</summary>
    public Task Ended => _ended.Task;

    public async IAsyncEnumerable<SessionMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
        while (true)
        {
            SessionMessage message;
            try
            {
                if (!await _reader.MoveNext(either.Token))
                {
                    yield break;
                }
                message = _reader.Current;
            }
            catch (Exception e) when (IsBroken(e) && !cancellationToken.IsCancellationRequested)
            {
                throw new AgentUnreachableException("The connection to the node broke.");
            }
            yield return message;
            if (message.BodyCase == SessionMessage.BodyOneofCase.End)
            {
                yield break;
            }
        }
    }

    public async Task WriteAsync(SessionMessage message, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await _writer.WriteAsync(message, _stop.Token);
        }
        catch (Exception e) when (IsBroken(e) && !cancellationToken.IsCancellationRequested)
        {
            throw new AgentUnreachableException("The connection to the node broke.");
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _ended.TrySetResult();
    }

    private static bool IsBroken(Exception e) => e is OperationCanceledException or IOException or RpcException or InvalidOperationException;
}
