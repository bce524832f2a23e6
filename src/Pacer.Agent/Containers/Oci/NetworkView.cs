using Pacer.Agent.Networks;

namespace Pacer.Agent.Containers.Oci;

/// <summary>What a container sees instead of the node's: with a network of its own, its namespace and the files in /etc that tell of it; else whom it asks for names. Pure.</summary>
internal static class NetworkView
{
    private const string ResolverFile = "/etc/resolv.conf";
    private static readonly string[] ReadOnlyFile = ["bind", "ro"];

    public static BundleSpec Apply(BundleSpec spec, ContainerPlan plan)
    {
        if (plan.Network is not { } place)
        {
            // A volume there is the user's own word.
            return plan.Resolver is not { } resolver || plan.Mounts.Any(mount => mount.Destination == ResolverFile) ? spec
                : spec with { Mounts = [.. spec.Mounts, new(ResolverFile, "bind", resolver.File, ReadOnlyFile)] };
        }
        BundleMount[] files =
        [
            new(ResolverFile, "bind", place.ResolvFile, ReadOnlyFile),
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
