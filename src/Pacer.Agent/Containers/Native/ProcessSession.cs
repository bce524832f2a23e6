using System.Globalization;

namespace Pacer.Agent.Containers.Native;

/// <summary>All processes of one session: what a session leader started and did not move elsewhere.</summary>
internal static class ProcessSession
{
    /// <summary>Kills the process and its session, when it leads one.</summary>
    public static void Kill(int leader)
    {
        if (leader <= 1)
        {
            return;
        }

        // The leader last: until then its pid, which names the session, can't be given to another process.
        foreach (var pid in Members(leader).Where(p => p != leader))
        {
            _ = Libc.Kill(pid, Libc.SigKill);
        }

        _ = Libc.Kill(leader, Libc.SigKill);
    }

    public static IReadOnlyList<int> Members(int session)
    {
        var members = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) &&
                SessionOf(pid) == session)
            {
                members.Add(pid);
            }
        }

        return members;
    }

    private static int SessionOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > 3 ? int.Parse(fields[3], CultureInfo.InvariantCulture) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
