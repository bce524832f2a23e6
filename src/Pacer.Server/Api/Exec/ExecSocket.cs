using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Google.Protobuf;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Server.Agents;

namespace Pacer.Server.Api.Exec;

/// <summary>
/// Joins a client's WebSocket with the exec session of a node. Binary frames whose first byte tells the kind:
/// 0 standard input, 1 standard output, 2 standard error, 3 control as JSON (<see cref="ExecControl"/>).
/// </summary>
internal sealed class ExecSocket(WebSocket webSocket, IAgentSession session)
{
    private const byte Input = 0;
    private const byte Output = 1;
    private const byte ErrorOutput = 2;
    private const byte Control = 3;
    private const int MaxFrameBytes = 1024 * 1024;

    /// <summary>Ends when the command has ended or the client has left.</summary>
    public async Task RunAsync(CancellationTokenSource ended)
    {
        var receiving = ReceiveAsync(ended);
        try
        {
            await SendAsync(ended.Token);
            // The client answers the close; one that does not is not waited for.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended.Token);
            patience.CancelAfter(TimeSpan.FromSeconds(5));
            await webSocket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
            await receiving.WaitAsync(patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // The client is gone, or the server stops.
        }
        finally
        {
            await ended.CancelAsync();
            await receiving;
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in session.ReadAllAsync(cancellationToken))
            {
                switch (message.BodyCase)
                {
                    case SessionMessage.BodyOneofCase.Data:
                        await SendAsync(Output, message.Data.Memory, cancellationToken);
                        break;
                    case SessionMessage.BodyOneofCase.ErrorData:
                        await SendAsync(ErrorOutput, message.ErrorData.Memory, cancellationToken);
                        break;
                    case SessionMessage.BodyOneofCase.End:
                        var end = message.End;
                        await SendAsync(end.Error.Length > 0 ? new ExecControl { Error = end.Error } : new ExecControl { ExitCode = end.ExitCode }, cancellationToken);
                        return;
                }
            }
            await SendAsync(new ExecControl { Error = "The node ended the conversation early." }, cancellationToken);
        }
        catch (AgentUnreachableException e)
        {
            await SendAsync(new ExecControl { Error = e.Message }, cancellationToken);
        }
    }

    private ValueTask SendAsync(ExecControl control, CancellationToken cancellationToken) =>
        SendAsync(Control, JsonSerializer.SerializeToUtf8Bytes(control, ClusterJson.Plain.ExecControl), cancellationToken);

    private async ValueTask SendAsync(byte kind, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var frame = ArrayPool<byte>.Shared.Rent(data.Length + 1);
        try
        {
            frame[0] = kind;
            data.Span.CopyTo(frame.AsSpan(1));
            await webSocket.SendAsync(frame.AsMemory(0, data.Length + 1), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    // A client that leaves ends the command: nobody is there to see it.
    private async Task ReceiveAsync(CancellationTokenSource ended)
    {
        try
        {
            var buffer = new ArrayBufferWriter<byte>(16 * 1024);
            while (true)
            {
                buffer.ResetWrittenCount();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await webSocket.ReceiveAsync(buffer.GetMemory(4096), ended.Token);
                    buffer.Advance(part.Count);
                    if (part.MessageType == WebSocketMessageType.Text || buffer.WrittenCount > MaxFrameBytes)
                    {
                        await webSocket.CloseOutputAsync(
                            WebSocketCloseStatus.InvalidMessageType, "binary frames of at most 1 MiB, please", ended.Token);
                        await ended.CancelAsync();
                        return;
                    }
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    if (webSocket.State == WebSocketState.CloseReceived)
                    {
                        await ended.CancelAsync();
                    }
                    return;
                }
                await ForwardAsync(buffer.WrittenMemory, ended.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or AgentUnreachableException)
        {
            // The sending side notices as well, and says why.
        }
    }

    private async Task ForwardAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (frame.IsEmpty)
        {
            return;
        }
        if (frame.Span[0] == Input)
        {
            await session.WriteAsync(new SessionMessage { Data = ByteString.CopyFrom(frame.Span[1..]) }, cancellationToken);
        }
        else if (frame.Span[0] == Control && Parse(frame.Span[1..]) is { } control)
        {
            if (control.Resize is { Rows: > 0, Columns: > 0 } size)
            {
                await session.WriteAsync(new SessionMessage { Resize = new Resize { Rows = size.Rows, Columns = size.Columns } }, cancellationToken);
            }
            if (control.CloseInput == true)
            {
                await session.WriteAsync(new SessionMessage { CloseInput = true }, cancellationToken);
            }
        }
    }

    // A control frame that can't be read asks for nothing.
    private static ExecControl? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ClusterJson.Plain.ExecControl);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
