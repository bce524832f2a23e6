using System.Globalization;
using System.Text;

namespace Pacer.Agent.Containers.Processes;

/// <summary>
/// Plain processes carry OWNER/CONTAINER in their environment, which children inherit however they detach themselves. That is
/// how those are found that left their process group.
/// </summary>
internal static class MarkedProcesses
{
    public const string Variable = "PACER_CONTAINER";

    /// <summary>Pid and container of every process that carries this owner's mark.</summary>
    public static IReadOnlyList<(int Pid, string ContainerId)> Of(string owner)
    {
        var prefix = Encoding.UTF8.GetBytes($"{Variable}={owner}/");
        var found = new List<(int, string)>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) &&
                ContainerOf(directory, prefix) is { } id)
            {
                found.Add((pid, id));
            }
        }

        return found;
    }

    private static string? ContainerOf(string directory, byte[] prefix)
    {
        byte[] environment;
        try
        {
            environment = File.ReadAllBytes($"{directory}/environ");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        for (var rest = environment.AsSpan(); rest.Length > 0;)
        {
            var end = rest.IndexOf((byte)0);
            var entry = end < 0 ? rest : rest[..end];
            if (entry.StartsWith(prefix))
            {
                return Encoding.UTF8.GetString(entry[prefix.Length..]);
            }

            rest = end < 0 ? [] : rest[(end + 1)..];
        }

        return null;
    }
}
