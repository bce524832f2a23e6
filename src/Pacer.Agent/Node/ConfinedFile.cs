using Microsoft.Win32.SafeHandles;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Node;

/// <summary>
/// Opens what <see cref="ConfinedPath"/> has found, in a directory to which others write at the same time: what has become a link since,
/// or has one above it, is not opened.
/// </summary>
internal static class ConfinedFile
{
    /// <summary>A regular file, to be read. Null: there is none (any more).</summary>
    /// <param name="place">As <see cref="ConfinedPath.Resolve"/> told it: below <paramref name="root"/>.</param>
    public static SafeFileHandle? OpenToRead(string root, string place)
    {
        // Without waiting for the other end, should it be a pipe.
        var file = Open(root, place, Libc.OpenReadOnly | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal);
        if (file is null || FileStat.OfOpen((int)file.DangerousGetHandle()).IsRegular)
        {
            return file;
        }
        file.Dispose();
        return null;
    }

    /// <summary>Anything, for a look at it: its <c>/proc/self/fd/N</c> is a path that can't change its meaning. Null: it is not there.</summary>
    public static SafeFileHandle? OpenToLook(string root, string place) => Open(root, place, Libc.OpenPathOnly);

    private static SafeFileHandle? Open(string root, string place, int flags)
    {
        root = Path.GetFullPath(root);
        var parts = place[root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries);
        const int directory = Libc.OpenPathOnly | Libc.OpenCloseOnExec;
        var current = Native.open(root, parts.Length == 0 ? flags | Libc.OpenCloseOnExec : directory | Libc.OpenDirectory);
        for (var i = 0; i < parts.Length && current >= 0; i++)
        {
            var next = Native.openat(
                current, parts[i], (i < parts.Length - 1 ? directory | Libc.OpenDirectory : flags | Libc.OpenCloseOnExec) | Native.O_NOFOLLOW);
            _ = Libc.Close(current);
            current = next;
        }
        return current >= 0 ? new SafeFileHandle(current, ownsHandle: true) : null;
    }
}
