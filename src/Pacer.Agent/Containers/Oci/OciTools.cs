namespace Pacer.Agent.Containers.Oci;

/// <summary>The programs that the OCI runtime works with.</summary>
/// <param name="Runtime">crun, or runc where crun is missing: same bundles, same commands.</param>
/// <param name="Init">catatonit: PID 1 that forwards signals and reaps; null: the command is PID 1 itself.</param>
/// <param name="HideUnified">Start monitors without sight of the v2 hierarchy, because crun refuses this hybrid machine otherwise.</param>
internal sealed record OciTools(string Runtime, string Monitor, string? Init, bool HideUnified)
{
    public bool IsCrun => Path.GetFileName(Runtime) == "crun";

    /// <summary>The first executable of this name in the usual directories; null when there is none.</summary>
    public static string? Find(string name) =>
        CommandLookup.DefaultPath.Split(':').Select(d => $"{d}/{name}").FirstOrDefault(File.Exists);
}
