using Microsoft.Win32.SafeHandles;

namespace Pacer.Agent.Node;

/// <summary>Replaces small files so that a reader, or we after a crash, see the old or the new content and never a part.</summary>
internal static class AtomicFile
{
    /// <param name="durable">
    /// Survive a power cut, too. Without it the content survives any end of this process, for the page cache belongs to the kernel.
    /// </param>
    public static void Write(string path, ReadOnlySpan<byte> content, bool durable)
    {
        var temporary = path + ".tmp";
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.Read))
        {
            RandomAccess.Write(file, content, 0);
            if (durable)
            {
                RandomAccess.FlushToDisk(file);
            }
        }
        File.Move(temporary, path, overwrite: true);
        if (durable)
        {
            SyncDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private static void SyncDirectory(string path)
    {
        // File.OpenHandle refuses directories, so the rename is made durable through libc.
        var descriptor = Native.open(path, Native.O_RDONLY | Native.O_CLOEXEC);
        if (descriptor < 0)
        {
            return;
        }
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        _ = Native.fsync(descriptor);
    }
}
