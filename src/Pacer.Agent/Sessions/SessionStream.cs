using Google.Protobuf;
using Grpc.Core;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>
/// The agent's side of one session. Writes are one at a time, as gRPC demands, though stdout and stderr come beside each other.
/// When the server leaves, <paramref name="ended"/> is cancelled, also while nothing is being written (a follower of a quiet log).
/// </summary>
internal sealed class SessionStream(
    IClientStreamWriter<SessionMessage> writer, IAsyncStreamReader<SessionMessage> reader, CancellationTokenSource ended) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private Task? _listening;

    public CancellationToken Ended => ended.Token;

    /// <summary>Begins to take what the server sends, one message after the other.</summary>
    public void Listen(Func<SessionMessage, Task>? handle) => _listening = ListenAsync(handle);

    private async Task ListenAsync(Func<SessionMessage, Task>? handle)
    {
        try
        {
            while (await reader.MoveNext(ended.Token).ConfigureAwait(false))
            {
                if (handle is not null)
                {
                    await handle(reader.Current).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or IOException or InvalidOperationException)
        {
            // Gone, by a break instead of a proper end: the same for us.
        }
        await ended.CancelAsync().ConfigureAwait(false);
    }

    public async Task WriteAsync(SessionMessage message)
    {
        await _turn.WaitAsync(ended.Token).ConfigureAwait(false);
        try
        {
            await writer.WriteAsync(message, ended.Token).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public Task WriteDataAsync(ReadOnlyMemory<byte> data) => WriteAsync(new SessionMessage { Data = ByteString.CopyFrom(data.Span) });

    public Task WriteErrorDataAsync(ReadOnlyMemory<byte> data) => WriteAsync(new SessionMessage { ErrorData = ByteString.CopyFrom(data.Span) });

    /// <summary>Says how it ended and waits until the server has left; leaving first could cut off what is under way.</summary>
    public async Task EndAsync(SessionEnd end, TimeSpan patience)
    {
        await WriteAsync(new SessionMessage { End = end }).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
        if (_listening is null)
        {
            Listen(null);
        }
        try
        {
            await _listening!.WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It has had the time to read; the call is dropped.
        }
    }

    public void Dispose() => _turn.Dispose();
}

/// <summary>A session can't do what was asked; ends it with this error.</summary>
internal sealed class SessionException(string kind, string message) : Exception(message)
{
    public const string NotFound = "not-found";
    public const string Refused = "refused";
    public const string Failed = "failed";

    public string Kind => kind;
}
