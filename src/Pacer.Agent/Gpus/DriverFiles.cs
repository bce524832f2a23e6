using System.Runtime.InteropServices;
using Pacer.Agent.Containers;

namespace Pacer.Agent.Gpus;

/// <summary>
/// The part of NVIDIA's driver that programs load, which must fit the node's kernel module and so is in no image. Images look for it in
/// <see cref="Libraries"/> (those of NVIDIA have that in LD_LIBRARY_PATH); it is bound there, read-only.
/// </summary>
internal static class DriverFiles
{
    public const string Libraries = "/usr/local/nvidia/lib64";
    private const string Programs = "/usr/local/nvidia/bin";

    private static readonly string[] LibraryNames = ["libcuda.so*", "libcudadebugger.so*", "libnvidia-*.so*", "libnvcuvid.so*", "libnvoptix.so*"];
    private static readonly string[] ProgramNames = ["nvidia-smi", "nvidia-debugdump"];

    /// <param name="root">As in <see cref="NodeGpus.Detect"/>.</param>
    public static IReadOnlyList<ContainerMount> Of(string root)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var directory in LibraryDirectories.Select(path => root + path).Where(Directory.Exists))
        {
            foreach (var file in LibraryNames.SelectMany(name => Directory.EnumerateFiles(directory, name)))
            {
                // The container tools' own library is not for the inside.
                if (!Path.GetFileName(file).StartsWith("libnvidia-container", StringComparison.Ordinal) && Target(file) is { } target)
                {
                    found.TryAdd($"{Libraries}/{Path.GetFileName(file)}", target);
                }
            }
        }
        foreach (var name in ProgramNames)
        {
            if (Target($"{root}/usr/bin/{name}") is { } target)
            {
                found[$"{Programs}/{name}"] = target;
            }
        }
        return [.. found.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => new ContainerMount(entry.Value, entry.Key, ReadOnly: true) { IsFile = true })];
    }

    private static string[] LibraryDirectories =>
        [$"/usr/lib/{(RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? "aarch64" : "x86_64")}-linux-gnu", "/usr/lib64", "/usr/lib"];

    private static string? Target(string file)
    {
        var info = new FileInfo(file);
        return !info.Exists ? null : info.LinkTarget is null ? file : info.ResolveLinkTarget(returnFinalTarget: true) is { Exists: true } target ? target.FullName : null;
    }
}
