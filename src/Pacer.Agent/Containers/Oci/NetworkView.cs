using Pacer.Agent.Networks;

namespace Pacer.Agent.Containers.Oci;

/// <summary>What a container with a network of its own sees instead of the node's: its namespace, and the files in /etc that tell of it. Pure.</summary>
internal static class NetworkView
{
    private static readonly string[] ReadOnlyFile = ["bind", "ro"];

    public static BundleSpec Apply(BundleSpec spec, NetworkPlace? place)
    {
        if (place is null)
        {
            return spec;
        }
        BundleMount[] files =
        [
            new("/etc/resolv.conf", "bind", place.ResolvFile, ReadOnlyFile),
            new("/etc/hosts", "bind", place.HostsFile, ReadOnlyFile),
            new("/etc/hostname", "bind", place.HostnameFile, ReadOnlyFile),
        ];
        return spec with
        {
            NetworkNamespace = place.NamespacePath,
            Hostname = place.Hostname,
            Mounts = [.. spec.Mounts.Where(mount => files.All(file => file.Destination != mount.Destination)), .. files],
        };
    }
}
