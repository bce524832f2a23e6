using System.Globalization;
using System.Runtime.InteropServices;

namespace Pacer.Agent.Containers.Native;

/// <summary>A process told apart from a later one with the same pid by its start time (clock ticks since boot).</summary>
internal readonly record struct ProcessIdentity(int Pid, ulong StartTicks)
{
    public static readonly ProcessIdentity None = new(0, 0);

    /// <summary>The identity of a living process; <see cref="None"/> when there is none with this pid or it is a zombie.</summary>
    public static ProcessIdentity Of(int pid)
    {
        if (pid <= 0)
        {
            return None;
        }

        try
        {
            var start = StartTicksOf(File.ReadAllText($"/proc/{pid}/stat"));
            return start is { } ticks ? new(pid, ticks) : None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return None;
        }
    }

    public bool IsAlive => Pid > 0 && Of(Pid) == this;

    /// <summary>Field 22 of /proc/PID/stat; null for a zombie. The command name may hold blanks and brackets, so count from its end.</summary>
    public static ulong? StartTicksOf(string stat)
    {
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19 && fields[0] is not ("Z" or "X") &&
               ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            ? ticks
            : null;
    }

    /// <summary>Sends a signal to exactly this process; false when it is gone.</summary>
    public bool Signal(int signal)
    {
        if (Pid <= 0)
        {
            return false;
        }

        var descriptor = Libc.PidfdOpen(Pid);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() != Libc.NoSuchProcess && IsAlive && Libc.Kill(Pid, signal) == 0;
        }

        try
        {
            // The descriptor pins the process, so the check cannot become stale.
            return IsAlive && Libc.PidfdSendSignal(descriptor, signal) == 0;
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }
}
