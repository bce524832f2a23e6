using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Node;

/// <summary>The tmpfs that an agent mounts on its run directory where that is not on one; it outlives the agent, as the containers do.</summary>
internal static class RunMount
{
    /// <summary>Undoes the mount if it is ours and nothing uses it, and removes the directory when it is empty then. Repeatable.</summary>
    public static void Remove(string runDir)
    {
        var path = Path.GetFullPath(runDir).TrimEnd('/');
        // Fields of mountinfo: id parent device root MOUNT-POINT options … - type SOURCE super-options; spaces are \040.
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash > 0 && dash + 2 < fields.Length && fields[4].Replace("\\040", " ", StringComparison.Ordinal) == path
                && fields[dash + 1] == "tmpfs" && fields[dash + 2] == "pacer")
            {
                _ = Libc.Unmount(path, 0);
                break;
            }
        }
        try
        {
            Directory.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Something is in it, or it is another's: then it stays.
        }
    }
}
