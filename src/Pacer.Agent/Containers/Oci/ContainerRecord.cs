using System.Globalization;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>Who to look for after the agent came back: written before the command runs, kept until the container is deleted.</summary>
/// <param name="BootId">Of the machine when the container was created; pids mean nothing after a reboot.</param>
internal sealed record ContainerRecord(string BootId, ProcessIdentity Monitor, ProcessIdentity Init)
{
    /// <summary>The end of the name of a file that is being written.</summary>
    public const string Unfinished = ".tmp";

    public static string CurrentBootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public bool IsOfThisBoot => BootId == CurrentBootId;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"1 {BootId} {Monitor.Pid} {Monitor.StartTicks} {Init.Pid} {Init.StartTicks}\n");

    public static ContainerRecord? Parse(string text)
    {
        var f = text.Trim().Split(' ');
        return f.Length == 6 && f[0] == "1" && Identity(f[2], f[3]) is { } monitor && Identity(f[4], f[5]) is { } init
            ? new(f[1], monitor, init)
            : null;
    }

    public void Write(string file)
    {
        // By rename, so that a record is whole or absent.
        File.WriteAllText(file + Unfinished, ToString());
        File.Move(file + Unfinished, file, overwrite: true);
    }

    public static ContainerRecord? Read(string file)
    {
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ProcessIdentity? Identity(string pid, string ticks) =>
        int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var p) &&
        ulong.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var t)
            ? new ProcessIdentity(p, t)
            : null;
}
