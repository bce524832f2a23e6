using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Terminals;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Oci;

/// <summary>Runs commands inside containers by the OCI runtime's exec.</summary>
internal sealed class OciExec(OciTools tools, OciPaths paths, ulong bounding)
{
    private static readonly TimeSpan PidTime = TimeSpan.FromSeconds(2);

    public async Task<IExecProcess> StartAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken)
    {
        BundleProcess container;
        RootedDirectory? image;
        try
        {
            var config = await File.ReadAllBytesAsync($"{paths.Bundle(containerId)}/config.json", cancellationToken).ConfigureAwait(false);
            container = BundleReader.Process(config);
            image = BundleReader.Root(config) is var root && root == paths.RootFileSystem ? null : RootedDirectory.Open(root);
        }
        catch (IOException)
        {
            return new RefusedExec($"container {containerId} is not running", RefusedExec.CannotRun, plan.Tty);
        }

        using var opened = image;

        var user = container.User;
        if (plan.User is { } name)
        {
            if ((image is null ? UserDatabase.OfHost().Find(name) : ImageUser.Find(ImageRoots.UsersOf(image), name)) is not { } found)
            {
                return new RefusedExec(
                    $"user '{name}' does not exist {(image is null ? "on this node" : "in the image")}", RefusedExec.CannotRun, plan.Tty);
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
            path => image is null ? HostRootView.HostPathOf(path, container.WorkingDirectory)
                : ImageRootView.IsCovered(path) ? null : image.RealPath(path) ?? image.Path + path);
        if (problem is not null)
        {
            return new RefusedExec(
                problem, problem.Contains("not found", StringComparison.Ordinal) ? RefusedExec.NotFound : RefusedExec.CannotRun, plan.Tty);
        }

        // Without a process object the runtime would give the command neither the container's environment nor noNewPrivileges.
        var stem = $"{paths.Bundle(containerId)}/exec-{Guid.NewGuid():N}";
        (int Rows, int Columns)? size = plan.Tty ? (plan.Rows, plan.Columns) : null;
        var process = new BundleProcess(plan.Arguments, environment, user, Capabilities.For(user, bounding), container.WorkingDirectory, size);
        await File.WriteAllBytesAsync($"{stem}.json", BundleSpec.ProcessJson(process), cancellationToken).ConfigureAwait(false);
        return plan.Tty
            ? await StartWithTerminalAsync(containerId, stem, size!.Value).ConfigureAwait(false)
            : ExecProcess.Start(Command(containerId, stem), null, runtime => KillCommandAsync(stem, runtime), () => CleanUp(stem));
    }

    private ChildPlan Command(string containerId, string stem, params string[] options) => new(
        tools.Runtime,
        [$"--root={paths.RuntimeRoot}", "exec", .. options, "-p", $"{stem}.json", "--pid-file", $"{stem}.pid", containerId],
        ChildProcess.ToolEnvironment,
        []);

    /// <summary>
    /// The runtime opens the terminal inside the container and hands its screen side over a socket; so resizing acts on the
    /// terminal itself, without anybody in between.
    /// </summary>
    private async Task<IExecProcess> StartWithTerminalAsync(string containerId, string stem, (int Rows, int Columns) size)
    {
        using var console = ConsoleSocket.Listen(paths.RunDir);
        var runtime = ChildProcess.Start(Command(containerId, stem, "--console-socket", console.Path) with
        {
            NewSession = true,
            Descriptors =
                [ChildDescriptor.Nothing(0), ChildDescriptor.AppendTo(1, $"{stem}.log"), ChildDescriptor.AppendTo(2, $"{stem}.log")],
        });
        var exit = ChildProcess.WaitAsync(runtime);
        if (await console.ReceiveAsync(exit).ConfigureAwait(false) is not { } master)
        {
            await KillCommandAsync(stem, runtime).ConfigureAwait(false);
            _ = await exit.ConfigureAwait(false);
            var reason = (await File.ReadAllTextAsync($"{stem}.log").ConfigureAwait(false)).Trim();
            CleanUp(stem);
            return new RefusedExec(reason.Length > 0 ? reason : "the command could not be started", RefusedExec.CannotRun, true);
        }

        var terminal = PseudoTerminal.Adopt(master);
        terminal.Resize(size.Rows, size.Columns);
        return ExecProcess.Attach(runtime, exit, terminal, () => KillCommandAsync(stem, runtime), () => CleanUp(stem));
    }

    private static void CleanUp(string stem)
    {
        foreach (var end in (string[])["json", "pid", "log"])
        {
            try
            {
                File.Delete($"{stem}.{end}");
            }
            catch (DirectoryNotFoundException)
            {
                // The container has been deleted meanwhile.
            }
        }
    }

    /// <summary>
    /// Killing the runtime's process would leave the command running, so kill what its pid file names, with the session that the
    /// runtime made for it. The runtime then ends by itself.
    /// </summary>
    private static async Task KillCommandAsync(string stem, int runtime)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (ProcessIdentity.Of(runtime).Pid != 0 && TimeProvider.System.GetElapsedTime(started) < PidTime)
        {
            if (ExitFiles.Read($"{stem}.pid") is { } pid)
            {
                ProcessSession.KillSessionOf(pid, spared: runtime);
                return;
            }

            // The client left within the few milliseconds in which the runtime enters the container.
            await Task.Delay(TimeSpan.FromMilliseconds(5)).ConfigureAwait(false);
        }
    }
}
