using System.IO.Enumeration;
using Pacer.Agent.Node;

namespace Pacer.Agent.Disks;

/// <summary>What a directory takes on its disk.</summary>
internal static class DirectorySize
{
    private const int BlockBytes = 512;

    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = true };

    /// <summary>Bytes of the blocks of all files below; links are not followed. A file that goes meanwhile counts as nothing, a directory that is not there too.</summary>
    public static long Of(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return 0;
        }
        var files = new FileSystemEnumerable<long>(directory, static (ref entry) => SizeOf(entry.ToFullPath()), Everything)
        {
            ShouldRecursePredicate = static (ref entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
        try
        {
            return files.Sum();
        }
        catch (DirectoryNotFoundException)
        {
            return 0;
        }
    }

    private static long SizeOf(string path)
    {
        try
        {
            return FileStat.OfLink(path).Blocks * BlockBytes;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
