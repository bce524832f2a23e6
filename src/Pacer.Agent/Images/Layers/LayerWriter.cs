using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Text;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Images.Layers;

/// <summary>
/// Puts the entries of an image layer into a fresh directory that overlayfs can stack: owners, modes and times as they were, deletions
/// as overlayfs marks them. What the archive holds is not trusted: no entry lands outside of the directory, and none can pass for a
/// mark of overlayfs' own.
/// </summary>
internal sealed class LayerWriter : IDisposable
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueMark = ".wh..wh..opq";
    private const int BlockBytes = 4096;

    private readonly RootedDirectory _root;
    private readonly List<(string Path, DateTimeOffset Time)> _directoryTimes = [];
    private string? _parentPath;
    private int _parent = -1;

    public LayerWriter(string directory) => _root = RootedDirectory.Open(directory);

    /// <summary>Bytes that the layer takes on disk, about.</summary>
    public long Bytes { get; private set; }

    public async Task WriteAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        var path = Normalise(entry.Name);
        if (path.Length == 0)
        {
            SetAttributes(".", entry);
            return;
        }
        var (directory, name) = Split(path);
        if (name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            MarkDeleted(directory, name);
            return;
        }
        switch (entry.EntryType)
        {
            case TarEntryType.Directory or TarEntryType.DirectoryList:
                Make(directory, name, place => Libc.MakeDirectory(place, 0x1ED), replaceDirectory: false);
                SetAttributes(path, entry, place: Place(directory, name));
                Bytes += BlockBytes;
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                await WriteFileAsync(directory, name, entry, cancellationToken).ConfigureAwait(false);
                break;
            case TarEntryType.SymbolicLink:
                Make(directory, name, place => Libc.SymbolicLink(entry.LinkName, place));
                SetAttributes(path, entry, place: Place(directory, name));
                break;
            case TarEntryType.HardLink:
                LinkFile(directory, name, entry);
                break;
            case TarEntryType.CharacterDevice or TarEntryType.BlockDevice or TarEntryType.Fifo:
                MakeSpecial(path, directory, name, (PosixTarEntry)entry);
                break;
            case TarEntryType.GlobalExtendedAttributes or TarEntryType.ExtendedAttributes:
                break;
            default:
                throw new ImageException($"the layer's entry '{entry.Name}' is of a kind ({entry.EntryType}) that can't be unpacked");
        }
    }

    /// <summary>To be called once, when all entries are written: a directory's time changes with every file that is put into it.</summary>
    public void Finish()
    {
        foreach (var (path, time) in _directoryTimes)
        {
            var descriptor = _root.TryOpenDirectory(path);
            if (descriptor >= 0)
            {
                SetTime($"/proc/self/fd/{descriptor}/.", time);
                _ = Libc.Close(descriptor);
            }
        }
    }

    private async Task WriteFileAsync(string directory, string name, TarEntry entry, CancellationToken cancellationToken)
    {
        var descriptor = -1;
        Make(directory, name, place => descriptor = Libc.Open(
            place, Libc.OpenWriteOnly | Libc.OpenCreate | Libc.OpenExclusive | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0x180 /* 0600 */));
        using (var file = new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true))
        {
            if (entry.DataStream is { } data)
            {
                var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Clamp(entry.Length, 512, 256 * 1024));
                try
                {
                    long position = 0;
                    for (int read; (read = await data.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
                    {
                        RandomAccess.Write(file, buffer.AsSpan(0, read), position);
                        position += read;
                    }
                    Bytes += (position + BlockBytes - 1) / BlockBytes * BlockBytes;
                }
                finally
                {
                    System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
        SetAttributes("", entry, place: Place(directory, name));
    }

    private void LinkFile(string directory, string name, TarEntry entry)
    {
        var (targetDirectory, targetName) = Split(Normalise(entry.LinkName));
        var descriptor = _root.TryOpenDirectory(targetDirectory.Length == 0 ? "." : targetDirectory);
        if (descriptor < 0)
        {
            throw new ImageException($"the layer's link '{entry.Name}' points to '{entry.LinkName}', which is not in it");
        }
        try
        {
            Make(directory, name, place => Libc.Link($"/proc/self/fd/{descriptor}/{targetName}", place));
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    private void MakeSpecial(string path, string directory, string name, PosixTarEntry entry)
    {
        var type = entry.EntryType switch
        {
            TarEntryType.CharacterDevice => Libc.CharacterDevice,
            TarEntryType.BlockDevice => Libc.BlockDevice,
            _ => Libc.Fifo,
        };
        // A character device 0/0 is how overlayfs says "deleted".
        if (type == Libc.CharacterDevice && entry is { DeviceMajor: 0, DeviceMinor: 0 })
        {
            return;
        }
        Make(directory, name, place => Libc.MakeNode(place, type | 0x180, (uint)entry.DeviceMajor, (uint)entry.DeviceMinor));
        SetAttributes(path, entry, place: Place(directory, name));
    }

    private unsafe void MarkDeleted(string directory, string name)
    {
        if (name == OpaqueMark)
        {
            var value = (byte)'y';
            if (Libc.SetAttribute(Place(directory, "."), "trusted.overlay.opaque", &value, 1, 0) != 0)
            {
                throw Failed(directory);
            }
        }
        else if (!name.StartsWith(".wh..wh.", StringComparison.Ordinal) && name.Length > WhiteoutPrefix.Length)
        {
            Make(directory, name[WhiteoutPrefix.Length..], place => Libc.MakeNode(place, Libc.CharacterDevice, 0, 0));
        }
    }

    /// <summary>Makes something under a name, in place of what a former entry left there.</summary>
    private void Make(string directory, string name, Func<string, int> make, bool replaceDirectory = true)
    {
        if (make(Place(directory, name)) >= 0)
        {
            return;
        }
        if (Marshal.GetLastPInvokeError() != Libc.Exists)
        {
            throw Failed(name);
        }
        var place = Place(directory, name);
        if (Directory.Exists(place) && new FileInfo(place).LinkTarget is null)
        {
            if (!replaceDirectory)
            {
                return;
            }
            Directory.Delete(place, recursive: true);
        }
        else
        {
            _ = Libc.Unlink(place);
        }
        if (make(Place(directory, name)) < 0)
        {
            throw Failed(name);
        }
    }

    private void SetAttributes(string path, TarEntry entry, string? place = null)
    {
        place ??= Place("", path);
        if (Libc.ChangeOwner(place, (uint)entry.Uid, (uint)entry.Gid) != 0)
        {
            throw Failed(path);
        }
        if (entry.EntryType != TarEntryType.SymbolicLink && Libc.ChangeMode(place, (uint)entry.Mode & 0xFFF) != 0)
        {
            throw Failed(path);
        }
        if (entry is PaxTarEntry pax)
        {
            SetExtendedAttributes(place, pax.ExtendedAttributes);
        }
        if (entry.EntryType is TarEntryType.Directory or TarEntryType.DirectoryList)
        {
            _directoryTimes.Add((path.Length == 0 ? "." : path, entry.ModificationTime));
        }
        else
        {
            SetTime(place, entry.ModificationTime);
        }
    }

    // Only kinds that can't change what overlayfs makes of the layer. A file system without them runs the image all the same.
    private static unsafe void SetExtendedAttributes(string place, IReadOnlyDictionary<string, string> attributes)
    {
        const string prefix = "SCHILY.xattr.";
        foreach (var (key, text) in attributes)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal) || text.Contains('\uFFFD')
                || key[prefix.Length..] is var name && name != "security.capability" && !name.StartsWith("user.", StringComparison.Ordinal))
            {
                continue;
            }
            fixed (byte* value = Encoding.UTF8.GetBytes(text + "\0"))
            {
                _ = Libc.SetAttribute(place, name, value, (nuint)Encoding.UTF8.GetByteCount(text), 0);
            }
        }
    }

    private static unsafe void SetTime(string place, DateTimeOffset time)
    {
        var seconds = time.ToUnixTimeSeconds();
        var nanoseconds = (time.UtcTicks - DateTimeOffset.FromUnixTimeSeconds(seconds).UtcTicks) * 100;
        var times = stackalloc long[] { seconds, nanoseconds, seconds, nanoseconds };
        _ = Libc.SetTimes(Libc.CurrentDirectory, place, times, Libc.DoNotFollow);
    }

    /// <summary>A path for system calls; entries of one directory come one after the other, so it stays open.</summary>
    private string Place(string directory, string name)
    {
        if (directory != _parentPath)
        {
            ForgetParent();
            _parent = _root.OpenDirectory(directory.Length == 0 ? "." : directory);
            _parentPath = directory;
        }
        return $"/proc/self/fd/{_parent}/{name}";
    }

    private void ForgetParent()
    {
        if (_parent >= 0)
        {
            _ = Libc.Close(_parent);
        }
        (_parent, _parentPath) = (-1, null);
    }

    private static string Normalise(string name)
    {
        var parts = name.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").ToList();
        return parts.Contains("..") ? throw new ImageException($"the layer's entry '{name}' leads out of it") : string.Join('/', parts);
    }

    private static (string Directory, string Name) Split(string path) =>
        path.LastIndexOf('/') is var slash and >= 0 ? (path[..slash], path[(slash + 1)..]) : ("", path);

    private static IOException Failed(string what) => new($"'{what}' can't be written: {Marshal.GetLastPInvokeErrorMessage()}");

    public void Dispose()
    {
        ForgetParent();
        _root.Dispose();
    }
}
