using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Oci;

/// <summary>Runs commands inside containers by the OCI runtime's exec.</summary>
internal sealed class OciExec(OciTools tools, OciPaths paths, ulong bounding)
{
    private static readonly TimeSpan PidTime = TimeSpan.FromSeconds(2);

    public async Task<IExecProcess> StartAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken)
    {
        BundleProcess container;
        try
        {
            container = BundleReader.Process(
                await File.ReadAllBytesAsync($"{paths.Bundle(containerId)}/config.json", cancellationToken).ConfigureAwait(false));
        }
        catch (IOException)
        {
            return new RefusedExec($"container {containerId} is not running", RefusedExec.CannotRun, plan.Tty);
        }

        var user = container.User;
        if (plan.User is { } name)
        {
            if (UserDatabase.OfHost().Find(name) is not { } found)
            {
                return new RefusedExec($"user '{name}' does not exist on this node", RefusedExec.CannotRun, plan.Tty);
            }

            user = found;
        }

        var environment = ContainerEnvironment.Merge(container.Environment, plan.Environment);
        if (plan.Tty && ContainerEnvironment.Value(environment, "TERM") is null)
        {
            environment = [.. environment, "TERM=xterm"];
        }

        var problem = CommandLookup.Problem(
            plan.Arguments.Count > 0 ? plan.Arguments[0] : "",
            ContainerEnvironment.Value(environment, "PATH") ?? CommandLookup.DefaultPath,
            container.WorkingDirectory,
            path => HostRootView.HostPathOf(path, container.WorkingDirectory));
        if (problem is not null)
        {
            return new RefusedExec(
                problem, problem.Contains("not found", StringComparison.Ordinal) ? RefusedExec.NotFound : RefusedExec.CannotRun, plan.Tty);
        }

        // Without a process object the runtime would give the command neither the container's environment nor noNewPrivileges.
        var stem = $"{paths.Bundle(containerId)}/exec-{Guid.NewGuid():N}";
        var process = new BundleProcess(
            plan.Arguments, environment, user, Capabilities.For(user, bounding), container.WorkingDirectory, plan.Tty);
        await File.WriteAllBytesAsync($"{stem}.json", BundleSpec.ProcessJson(process), cancellationToken).ConfigureAwait(false);
        return ExecProcess.Start(
            new ChildPlan(
                tools.Runtime,
                [$"--root={paths.RuntimeRoot}", "exec", "-p", $"{stem}.json", "--pid-file", $"{stem}.pid", containerId],
                ChildProcess.ToolEnvironment,
                []),
            plan.Tty ? (plan.Rows, plan.Columns) : null,
            runtime => KillCommandAsync($"{stem}.pid", runtime),
            () =>
            {
                File.Delete($"{stem}.json");
                File.Delete($"{stem}.pid");
            });
    }

    /// <summary>
    /// Killing the runtime's process would leave the command running, so kill what its pid file names: the command's whole
    /// session, which the runtime opened for it.
    /// </summary>
    private static async Task KillCommandAsync(string pidFile, int runtime)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (ProcessIdentity.Of(runtime).Pid != 0 && TimeProvider.System.GetElapsedTime(started) < PidTime)
        {
            if (ExitFiles.Read(pidFile) is { } pid)
            {
                ProcessSession.Kill(pid);
                return;
            }

            // The client left within the few milliseconds in which the runtime enters the container.
            await Task.Delay(TimeSpan.FromMilliseconds(5)).ConfigureAwait(false);
        }
    }
}
