using Pacer.Agent.Containers;

namespace Pacer.Agent.Checks;

/// <summary>Runs a check's command inside a task's container, for its exit code alone.</summary>
internal static class ContainerCommand
{
    /// <summary>Cancelling ends the command.</summary>
    public static async Task<int> RunAsync(IContainerRuntime runtime, string containerId, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var plan = new ExecPlan(command, null, null, Tty: false, Rows: 0, Columns: 0);
        // Disposing ends the command, also when it ran out of time.
        await using var process = await runtime.ExecAsync(containerId, plan, cancellationToken).ConfigureAwait(false);
        process.Input.Close();
        var drained = Task.WhenAll(
            process.Output.CopyToAsync(Stream.Null, cancellationToken),
            process.ErrorOutput.CopyToAsync(Stream.Null, cancellationToken));
        var code = await process.WaitAsync(cancellationToken).ConfigureAwait(false);
        // A child of the command may hold the pipes for longer: nobody waits for it.
        _ = drained.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return code;
    }
}
