using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>A command in a running container, its three streams carried over a session. Ends with the command, or ends it when the caller leaves.</summary>
internal static class ExecSession
{
    private const int ChunkBytes = 32 * 1024;
    private const int DefaultRows = 24;
    private const int DefaultColumns = 80;

    /// <summary>How long output may go on after the command's end: a child in the background can hold the pipes for ever.</summary>
    private static readonly TimeSpan OutputPatience = TimeSpan.FromSeconds(2);

    public static async Task<SessionEnd> RunAsync(IContainerRuntime runtime, string containerId, Exec request, SessionStream stream)
    {
        if (request.Command.Count == 0)
        {
            throw new SessionException(SessionException.Refused, "No command was given");
        }
        var plan = new ExecPlan(
            request.Command,
            null,
            request.User.Length > 0 ? request.User : null,
            request.Tty,
            request.Rows > 0 ? request.Rows : DefaultRows,
            request.Columns > 0 ? request.Columns : DefaultColumns);
        IExecProcess process;
        try
        {
            process = await runtime.ExecAsync(containerId, plan, stream.Ended).ConfigureAwait(false);
        }
        catch (ContainerStartException e)
        {
            throw new SessionException(SessionException.Failed, e.Message);
        }
        await using (process.ConfigureAwait(false))
        {
            if (!request.Stdin)
            {
                process.Input.Close();
            }
            stream.Listen(message => TakeAsync(message, process, stream.Ended));
            var output = SendAsync(process.Output, stream.WriteDataAsync, stream.Ended);
            var errors = SendAsync(process.ErrorOutput, stream.WriteErrorDataAsync, stream.Ended);
            var code = await process.WaitAsync(stream.Ended).ConfigureAwait(false);
            try
            {
                await Task.WhenAll(output, errors).WaitAsync(OutputPatience, stream.Ended).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _ = Task.WhenAll(output, errors).ContinueWith(
                    static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            }
            return new SessionEnd { ExitCode = code };
        }
    }

    private static async Task TakeAsync(SessionMessage message, IExecProcess process, CancellationToken cancellationToken)
    {
        try
        {
            switch (message.BodyCase)
            {
                case SessionMessage.BodyOneofCase.Data:
                    await process.Input.WriteAsync(message.Data.Memory, cancellationToken).ConfigureAwait(false);
                    await process.Input.FlushAsync(cancellationToken).ConfigureAwait(false);
                    break;
                case SessionMessage.BodyOneofCase.CloseInput:
                    process.Input.Close();
                    break;
                case SessionMessage.BodyOneofCase.Resize:
                    process.Resize(message.Resize.Rows, message.Resize.Columns);
                    break;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The command does not read any more; its exit code follows.
        }
    }

    private static async Task SendAsync(Stream from, Func<ReadOnlyMemory<byte>, Task> write, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        while (true)
        {
            int read;
            try
            {
                read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A terminal whose last process ended reads as an error (EIO).
                return;
            }
            if (read == 0)
            {
                return;
            }
            await write(buffer.AsMemory(0, read)).ConfigureAwait(false);
        }
    }
}
