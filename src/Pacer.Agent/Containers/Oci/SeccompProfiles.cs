using System.Collections.Concurrent;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// The node's profiles: <c>default</c> is the one that Debian's container packages bring, others are files of the directory that
/// the operator names.
/// </summary>
/// <param name="filters">False: the OCI runtime or the kernel knows no filters, so that containers that don't ask for one get none.</param>
internal sealed class SeccompProfiles(string? directory, bool filters = true)
{
    public const string Default = "default";

    private const string DefaultFile = "/usr/share/containers/seccomp.json";

    private readonly ConcurrentDictionary<(string File, string Capabilities), (DateTime Changed, SeccompFilter Filter)> _filters = new();
    private readonly SeccompFilter _withoutProfile = new(UserNamespaceRules.Alone());

    /// <summary>The profile as the OCI runtime takes it, the same object each time; null: no filter. Throws <see cref="ContainerStartException"/>.</summary>
    /// <param name="name">Null: the default one if the container has an image and the node has that profile, else that which only refuses user namespaces.</param>
    public SeccompFilter? Find(string? name, bool unconfined, bool hasImage, IReadOnlyList<string> capabilities)
    {
        if (unconfined || (name is null && !filters))
        {
            return null;
        }
        if (name is null && !(hasImage && File.Exists(DefaultFile)))
        {
            return _withoutProfile;
        }
        var wanted = name ?? Default;
        var file = directory is not null && IsName(wanted) && Path.Combine(directory, wanted) is var own && File.Exists(own) ? own
            : wanted == Default ? DefaultFile
            : null;
        if (file is null || !File.Exists(file))
        {
            throw new ContainerStartException(wanted == Default
                ? "the node has no default seccomp profile; install the package golang-github-containers-common"
                : $"the node has no seccomp profile '{wanted}'; put it as a file into the directory of --seccomp-profiles");
        }
        try
        {
            var (key, changed) = ((file, string.Join(' ', capabilities)), File.GetLastWriteTimeUtc(file));
            if (!_filters.TryGetValue(key, out var known) || known.Changed != changed)
            {
                known = (changed, new SeccompFilter(SeccompProfile.ToOci(File.ReadAllBytes(file), wanted, capabilities, refuseUserNamespaces: file == DefaultFile)));
                _filters[key] = known;
            }
            return known.Filter;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContainerStartException($"the seccomp profile '{wanted}' can't be read: {e.Message}");
        }
    }

    private static bool IsName(string name) => name.Length > 0 && name[0] != '.' && !name.Contains('/') && !name.Contains('\0');
}
