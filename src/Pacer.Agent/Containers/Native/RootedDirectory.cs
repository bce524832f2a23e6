using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pacer.Agent.Node;

namespace Pacer.Agent.Containers.Native;

/// <summary>
/// A directory as a root: paths in it are followed by the kernel with this directory as "/", so that nothing in it (links, "..")
/// leads out of it, whoever wrote it.
/// </summary>
internal sealed unsafe class RootedDirectory : IDisposable
{
    private readonly int _root;

    private RootedDirectory(string path, int root) => (Path, _root) = (path, root);

    public string Path { get; }

    public static RootedDirectory Open(string path)
    {
        var root = Libc.Open(path, Libc.OpenPathOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0);
        return root >= 0 ? new(path, root) : throw new IOException($"{path} can't be opened: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>
    /// A prefix for paths in a directory below: <c>/proc/self/fd/N</c>, good until the descriptor is closed with
    /// <see cref="Libc.Close"/>. Missing directories are made.
    /// </summary>
    public int OpenDirectory(string path)
    {
        var descriptor = TryOpenDirectory(path);
        if (descriptor >= 0)
        {
            return descriptor;
        }
        if (Marshal.GetLastPInvokeError() != Libc.NoSuchEntry)
        {
            throw new IOException($"'{path}': {Marshal.GetLastPInvokeErrorMessage()}");
        }
        var slash = path.LastIndexOf('/');
        var parent = OpenDirectory(slash < 0 ? "." : path[..slash]);
        try
        {
            if (Libc.MakeDirectory($"/proc/self/fd/{parent}/{path[(slash + 1)..]}", 0x1ED /* 0755 */) != 0 && Marshal.GetLastPInvokeError() != Libc.Exists)
            {
                throw new IOException($"'{path}': {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
        finally
        {
            _ = Libc.Close(parent);
        }
        descriptor = TryOpenDirectory(path);
        return descriptor >= 0 ? descriptor : throw new IOException($"'{path}': {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Negative: it is not there, or no directory.</summary>
    public int TryOpenDirectory(string path) =>
        Libc.OpenInRoot(_root, path, Libc.OpenPathOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);

    /// <summary>Where a path really is, for people outside of the root; null when there is nothing.</summary>
    public string? RealPath(string path)
    {
        var descriptor = Libc.OpenInRoot(_root, path, Libc.OpenPathOnly | Libc.OpenCloseOnExec);
        if (descriptor < 0)
        {
            return null;
        }
        try
        {
            var buffer = stackalloc byte[4096];
            var length = Libc.ReadLink($"/proc/self/fd/{descriptor}", buffer, 4096);
            return length > 0 ? Encoding.UTF8.GetString(buffer, (int)length) : null;
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>The text of a regular file; null when there is none, or it is longer than a megabyte.</summary>
    public string? ReadText(string path)
    {
        const int most = 1 << 20;
        // A container may be running on it: what is read is what was looked at, and no pipe without an end.
        var descriptor = Libc.OpenInRoot(_root, path, Libc.OpenReadOnly | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec);
        if (descriptor < 0)
        {
            return null;
        }
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            if (!FileStat.OfOpen(descriptor).IsRegular || RandomAccess.GetLength(file) > most)
            {
                return null;
            }
            var content = new byte[RandomAccess.GetLength(file)];
            var length = 0;
            while (length < content.Length && RandomAccess.Read(file, content.AsSpan(length), length) is var read and > 0)
            {
                length += read;
            }
            return Encoding.UTF8.GetString(content, 0, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _ = Libc.Close(_root);
}
