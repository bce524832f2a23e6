using System.Globalization;
using System.Runtime.InteropServices;

namespace Pacer.Cli.Roles;

/// <summary>A process told apart from a later one with the same id by the time it started.</summary>
/// <param name="StartTicks">Field 22 of <c>/proc/PID/stat</c>.</param>
internal readonly record struct ProcessMark(int Id, long StartTicks)
{
    public bool IsAlive => Processes.Find(Id) == this;
}

internal static partial class Processes
{
    public const int Terminate = 15;

    public static uint EffectiveUser => GetEffectiveUser();

    public static ProcessMark Current => Find(Environment.ProcessId) ?? new ProcessMark(Environment.ProcessId, 0);

    /// <summary>Null when there is none, or only a zombie that waits to be collected.</summary>
    public static ProcessMark? Find(int id)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"));
            // The command name in parentheses may hold blanks and parentheses: count from behind it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new ProcessMark(id, long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static bool Signal(ProcessMark process, int signal) => process.IsAlive && Kill(process.Id, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();
}
