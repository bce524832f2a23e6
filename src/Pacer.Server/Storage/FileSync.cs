using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Pacer.Server.Storage;

/// <summary>Makes files, and names in directories, survive a power cut.</summary>
internal static partial class FileSync
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;

    public static void Flush(string path)
    {
        var descriptor = open(path, ReadOnly | CloseOnExec);
        if (descriptor < 0)
        {
            throw new IOException($"{path} can't be opened: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
        try
        {
            if (fsync(descriptor) != 0)
            {
                throw new IOException($"{path} can't be written to disk: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
