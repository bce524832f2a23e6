using System.Globalization;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Processes;

/// <summary>Adds up what the processes of a session use, from /proc.</summary>
internal static class SessionUsage
{
    private const int TicksPerSecond = 100;

    public static ContainerUsage Of(int session)
    {
        long ticks = 0, pages = 0;
        var count = 0;
        foreach (var pid in ProcessSession.Members(session))
        {
            try
            {
                var (cpu, resident) = Parse(File.ReadAllText($"/proc/{pid}/stat"));
                (ticks, pages, count) = (ticks + cpu, pages + resident, count + 1);
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return new(TimeSpan.FromSeconds((double)ticks / TicksPerSecond), pages * Environment.SystemPageSize, count);
    }

    /// <summary>CPU ticks (its own and those of its reaped children) and resident pages, of a text of /proc/PID/stat.</summary>
    public static (long Ticks, long Pages) Parse(string stat)
    {
        var f = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long At(int field) => long.Parse(f[field - 3], CultureInfo.InvariantCulture);
        return (At(14) + At(15) + At(16) + At(17), At(24));
    }
}
