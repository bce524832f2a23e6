using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>What an agent leaves on the machine beside its work directory: an empty cgroup and its mounted run directory.</summary>
public static class MachineTraces
{
    /// <summary>Call when no container and no agent of this work directory is left; what is in use stays. Repeatable.</summary>
    public static void Remove(AgentOptions options)
    {
        var paths = new OciPaths(options.WorkDir, options.RunDir);
        new CgroupTree(CgroupLayout.Detect(), paths.CgroupRoot).RemoveRoot();
        if (!Directory.Exists(paths.RunDir))
        {
            return;
        }
        try
        {
            // Only one that was mounted for this: on an ordinary directory the call is refused.
            Libc.Unmount(paths.RunDir, 0);
            Directory.Delete(paths.RunDir, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody looks into it just now; the next reboot removes it.
        }
    }
}
