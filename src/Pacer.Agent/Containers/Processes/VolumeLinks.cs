namespace Pacer.Agent.Containers.Processes;

/// <summary>Without mounts of their own, processes reach volumes by symbolic links in their sandbox.</summary>
internal static class VolumeLinks
{
    /// <summary>Throws <see cref="ContainerStartException"/> for what a link can't do.</summary>
    public static void Make(IReadOnlyList<ContainerMount> volumes, string sandbox)
    {
        foreach (var volume in volumes)
        {
            var link = volume.Destination.TrimEnd('/');
            if (!link.StartsWith(sandbox + "/", StringComparison.Ordinal))
            {
                throw new ContainerStartException($"a volume at '{link}' needs container isolation, which this node lacks: "
                    + "mount it at a relative path, which lies in the sandbox");
            }
            try
            {
                if (new FileInfo(link).LinkTarget == volume.Source)
                {
                    continue; // of an attempt before
                }
                if (Directory.Exists(link))
                {
                    Directory.Delete(link);
                }
                else
                {
                    File.Delete(link);
                }
                File.CreateSymbolicLink(link, volume.Source);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ContainerStartException($"the volume at '{link}' could not be made: {e.Message}");
            }
        }
    }
}
