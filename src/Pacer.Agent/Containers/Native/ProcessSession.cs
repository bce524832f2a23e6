using System.Globalization;

namespace Pacer.Agent.Containers.Native;

/// <summary>All processes of one session: what a session leader started and did not move elsewhere.</summary>
internal static class ProcessSession
{
    /// <summary>Kills a process together with the rest of its session, except <paramref name="spared"/>.</summary>
    public static void KillSessionOf(int pid, int spared = 0)
    {
        var session = SessionOf(pid);
        if (session <= 1)
        {
            return;
        }

        if (session == SessionOf(Environment.ProcessId))
        {
            // Not a session of its own: everything else in it is none of our business.
            _ = Libc.Kill(pid, Libc.SigKill);
            return;
        }

        // The leader last: until then its pid, which names the session, can't be given to another process. It is stopped meanwhile, and
        // what the others started while they were looked for is found by looking again.
        if (session != spared)
        {
            _ = Libc.Kill(session, Libc.SigStop);
        }
        var killed = new HashSet<int>();
        bool more;
        do
        {
            more = false;
            foreach (var member in Members(session).Where(member => member != session && member != spared && killed.Add(member)))
            {
                _ = Libc.Kill(member, Libc.SigKill);
                more = true;
            }
        }
        while (more);
        if (session != spared)
        {
            _ = Libc.Kill(session, Libc.SigKill);
        }
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
