using System.Globalization;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// A container's PID 1. The kernel drops signals that PID 1 neither blocks nor handles, so one that is sent before the init
/// program has set itself up would be lost, and the task would take its whole grace period to end.
/// </summary>
internal static class InitProcess
{
    private const int MaxLooks = 200;
    private const int MaxName = 15; // of /proc/PID/comm
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits, not for long, until <paramref name="program"/> runs and holds the signal for forwarding.</summary>
    public static async Task WaitUntilListeningAsync(ProcessIdentity process, string program, int signal, CancellationToken cancellationToken)
    {
        var name = Path.GetFileName(program);
        name = name.Length > MaxName ? name[..MaxName] : name;
        for (var look = 0; look < MaxLooks && process.IsAlive && !Listens(process.Pid, name, signal); look++)
        {
            await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool Listens(int pid, string name, int signal)
    {
        try
        {
            var lines = File.ReadAllLines($"/proc/{pid}/status");
            return Value(lines, "Name:") == name
                && ulong.TryParse(Value(lines, "SigBlk:"), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var blocked)
                && (blocked & (1UL << (signal - 1))) != 0
                && HasStartedCommand(pid, name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // it ended
        }
    }

    // Forwarding goes to the command's process group, which is there for certain once it runs a program of its own.
    private static bool HasStartedCommand(int pid, string name)
    {
        var children = $"/proc/{pid}/task/{pid}/children";
        return !File.Exists(children)
            || (File.ReadAllText(children).Split(' ', 2)[0] is { Length: > 0 } child && File.ReadAllText($"/proc/{child}/comm").TrimEnd() != name);
    }

    private static string? Value(string[] lines, string key) =>
        lines.FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim();
}
