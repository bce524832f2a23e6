using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

/// <summary>
/// One exec over a WebSocket. Every message is binary; its first byte names the stream: 0 standard input, 1 output,
/// 2 error output, 3 control as JSON (<c>{"resize":{"rows":24,"columns":80}}</c>, <c>{"closeInput":true}</c>; the server's
/// last is <c>{"exitCode":0}</c> or <c>{"error":"…"}</c>).
/// </summary>
internal sealed class ExecSession(Surroundings surroundings, bool passInput, bool tty)
{
    private const byte Input = 0, Output = 1, ErrorOutput = 2, Control = 3;

    private readonly SemaphoreSlim _sending = new(1, 1);

    public async Task<int> RunAsync(ApiClient api, string taskId, IReadOnlyList<string> command, string? user, CancellationToken cancellationToken)
    {
        var query = new StringBuilder("?");
        foreach (var word in command)
        {
            query.Append("cmd=").Append(Uri.EscapeDataString(word)).Append('&');
        }
        query.Append("stdin=").Append(passInput ? "true" : "false").Append("&tty=").Append(tty ? "true" : "false");
        if (!string.IsNullOrEmpty(user))
        {
            query.Append("&user=").Append(Uri.EscapeDataString(user));
        }
        if (tty)
        {
            query.Append("&rows=").Append(Console.WindowHeight).Append("&columns=").Append(Console.WindowWidth);
        }

        using var socket = await api.ConnectAsync($"v2/tasks/{Uri.EscapeDataString(taskId)}/exec{query}", cancellationToken);
        using var raw = tty && passInput ? RawTerminal.Enter() : null;
        using var resized = tty
            ? PosixSignalRegistration.Create(PosixSignal.SIGWINCH, context => _ = SendControlAsync(socket, ResizeMessage(), cancellationToken))
            : null;
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (passInput)
        {
            _ = PumpInputAsync(socket, finished.Token); // ends with the socket: a blocked read of a terminal can't be cancelled
        }
        try
        {
            return await ReceiveAsync(socket, cancellationToken);
        }
        finally
        {
            await finished.CancelAsync();
        }
    }

    private async Task<int> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        await using var error = Console.OpenStandardError();
        var buffer = new byte[64 * 1024];
        var control = new MemoryStream();
        byte kind = 0;
        var isContinued = false;
        while (true)
        {
            WebSocketReceiveResult part;
            try
            {
                part = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), cancellationToken);
            }
            catch (WebSocketException)
            {
                throw new CliException(ExitCode.Unreachable, "The connection broke off; whether the command still runs is not known.");
            }
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw new CliException(ExitCode.Unreachable,
                    $"The session ended without an exit code{(socket.CloseStatusDescription is { Length: > 0 } why ? ": " + why : ".")}");
            }
            var data = buffer.AsMemory(0, part.Count);
            if (!isContinued && part.Count > 0)
            {
                kind = data.Span[0];
                data = data[1..];
            }
            isContinued = !part.EndOfMessage;
            switch (kind)
            {
                case Output:
                    await output.WriteAsync(data, cancellationToken);
                    await output.FlushAsync(cancellationToken);
                    break;
                case ErrorOutput:
                    await error.WriteAsync(data, cancellationToken);
                    await error.FlushAsync(cancellationToken);
                    break;
                case Control:
                    control.Write(data.Span);
                    if (part.EndOfMessage)
                    {
                        var message = JsonNode.Parse(control.ToArray());
                        control.SetLength(0);
                        if (message.Text("error") is { Length: > 0 } failure)
                        {
                            throw new CliException(ExitCode.Refused, failure);
                        }
                        if (message is JsonObject reply && reply["exitCode"] is not null)
                        {
                            return message.Count("exitCode");
                        }
                    }
                    break;
            }
        }
    }

    private async Task PumpInputAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            await using var input = tty ? RawTerminal.OpenInput() : surroundings.OpenInput();
            var buffer = new byte[16 * 1024];
            buffer[0] = Input;
            while (await input.ReadAsync(buffer.AsMemory(1), cancellationToken) is > 0 and var count)
            {
                await SendAsync(socket, buffer.AsMemory(0, count + 1), cancellationToken);
            }
            await SendControlAsync(socket, new JsonObject { ["closeInput"] = true }, cancellationToken);
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The session has ended; its result is the receiver's to tell.
        }
    }

    private static JsonObject ResizeMessage() =>
        new() { ["resize"] = new JsonObject { ["rows"] = Console.WindowHeight, ["columns"] = Console.WindowWidth } };

    private async Task SendControlAsync(ClientWebSocket socket, JsonNode message, CancellationToken cancellationToken)
    {
        try
        {
            var text = Encoding.UTF8.GetBytes(JsonText.OneLine(message));
            await SendAsync(socket, (byte[])[Control, .. text], cancellationToken);
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            // As above.
        }
    }

    private async Task SendAsync(ClientWebSocket socket, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }
}
