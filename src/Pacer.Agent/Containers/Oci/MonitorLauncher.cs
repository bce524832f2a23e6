using System.IO.Pipes;
using System.Text;
using System.Text.Json;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// Starts conmon, which daemonises, has the OCI runtime create the container, and stays as its parent to write down the exit code,
/// whatever becomes of the agent.
/// </summary>
internal sealed class MonitorLauncher(OciTools tools, OciPaths paths, CgroupLayout layout)
{
    private const int SyncDescriptor = 3;
    private static readonly TimeSpan CreateTime = TimeSpan.FromMinutes(1);

    // Reading the container's pid off the pipe ends the wait; the pipe itself stays open as long as the monitor lives.
    private static readonly IReadOnlyList<string> Environment = [.. ChildProcess.ToolEnvironment, $"_OCI_SYNCPIPE={SyncDescriptor}"];

    /// <summary>Returns the host pid of the created (not yet started) container's first process.</summary>
    /// <exception cref="ContainerStartException">The runtime refused; the message is its reason.</exception>
    public async Task<int> CreateAsync(string containerId, string sandbox)
    {
        var bundle = paths.Bundle(containerId);
        string[] command =
        [
            "--api-version", "1", "-c", containerId, "-u", containerId, "-r", tools.Runtime, "-b", bundle, "-p", $"{bundle}/pid",
            "-P", $"{bundle}/conmon.pid", "--exit-dir", paths.Exits, "--persist-dir", paths.MonitorState(containerId), "-l", "passthrough",
            "--no-sync-log", "--runtime-arg", $"--root={paths.RuntimeRoot}", "--runtime-arg", $"--log={bundle}/runtime.log",
            "--runtime-arg", "--log-format=json",
        ];
        var (reader, writer) = ChildProcess.CreatePipe();
        await using var sync = new AnonymousPipeClientStream(PipeDirection.In, reader);
        Task<int> daemonised;
        try
        {
            using (writer)
            {
                daemonised = ChildProcess.WaitAsync(ChildProcess.Start(Wrap(command, bundle) with
                {
                    NewSession = true,
                    Descriptors =
                    [
                        ChildDescriptor.Nothing(0),
                        ChildDescriptor.AppendTo(1, $"{sandbox}/stdout"),
                        ChildDescriptor.AppendTo(2, $"{sandbox}/stderr"),
                        ChildDescriptor.Copy(SyncDescriptor, writer),
                    ],
                }));
            }
        }
        catch (IOException e)
        {
            throw new ContainerStartException($"the container monitor did not start: {e.Message}");
        }

        var line = await ReadLineAsync(sync).ConfigureAwait(false);
        var code = await daemonised.ConfigureAwait(false);
        var pid = ParseSync(line);
        return pid > 0
            ? pid
            : throw new ContainerStartException($"the container could not be created: {Reason(bundle, line, code)}");
    }

    private ChildPlan Wrap(string[] command, string bundle) => tools.HideUnified && layout.Unified is { } unified
        ? new ChildPlan(
            "/usr/bin/unshare",
            ["-m", "--propagation", "private", "/bin/sh", "-c", "umount -l \"$0\" && exec \"$@\"", unified, tools.Monitor, .. command],
            Environment,
            [],
            bundle)
        : new ChildPlan(tools.Monitor, command, Environment, [], bundle);

    /// <summary>The pid in the monitor's line <c>{"data": PID}</c>; a negative number or 0 says that creating failed.</summary>
    public static int ParseSync(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.TryGetProperty("data", out var data) && data.TryGetInt32(out var pid) ? pid : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    /// <summary>The last error in a JSON log of crun or runc; null when there is none.</summary>
    public static string? LastError(string log)
    {
        foreach (var line in log.Split('\n').Reverse())
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.TryGetProperty("msg", out var message) && message.GetString() is { Length: > 0 } text)
                {
                    return text.Trim();
                }
            }
            catch (JsonException)
            {
                // An empty or half-written line.
            }
        }

        return null;
    }

    private static string Reason(string bundle, string line, int code)
    {
        try
        {
            if (LastError(File.ReadAllText($"{bundle}/runtime.log")) is { } error)
            {
                return error;
            }
        }
        catch (IOException)
        {
            // The runtime never ran.
        }

        return line.Length > 0 ? line : $"the monitor ended with code {code}; is the sandbox writable?";
    }

    private static async Task<string> ReadLineAsync(Stream stream)
    {
        var buffer = new byte[4096];
        var length = 0;
        using var limit = new CancellationTokenSource(CreateTime);
        try
        {
            while (length < buffer.Length)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), limit.Token).ConfigureAwait(false);
                length += read;
                if (read == 0 || buffer.AsSpan(0, length).Contains((byte)'\n'))
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return "the container runtime did not answer for a minute";
        }

        return Encoding.UTF8.GetString(buffer, 0, length).Trim();
    }
}
