using System.Globalization;
using System.Runtime.InteropServices;

namespace Pacer.Agent.Node;

/// <summary>A user of this machine, found through the machine's own name service (files, LDAP, …).</summary>
internal readonly record struct NodeUser(uint Uid, uint Gid)
{
    private const int BufferBytes = 16 * 1024;

    public static NodeUser Current => new(Native.geteuid(), Native.getegid());

    /// <summary>Accepts a name or a number; null when there is no such user.</summary>
    public static unsafe NodeUser? Find(string nameOrUid)
    {
        var buffer = stackalloc byte[BufferBytes];
        Native.Passwd entry;
        Native.Passwd* found = null;
        if (Native.getpwnam_r(nameOrUid, &entry, buffer, BufferBytes, &found) == 0 && found is not null)
        {
            return new NodeUser(entry.Uid, entry.Gid);
        }
        if (!uint.TryParse(nameOrUid, NumberStyles.None, CultureInfo.InvariantCulture, out var uid))
        {
            return null;
        }
        return Native.getpwuid_r(uid, &entry, buffer, BufferBytes, &found) == 0 && found is not null
            ? new NodeUser(entry.Uid, entry.Gid)
            : new NodeUser(uid, uid);
    }

    public static unsafe string UserName(uint uid)
    {
        var buffer = stackalloc byte[BufferBytes];
        Native.Passwd entry;
        Native.Passwd* found = null;
        return Native.getpwuid_r(uid, &entry, buffer, BufferBytes, &found) == 0 && found is not null
            ? Marshal.PtrToStringUTF8((nint)entry.Name) ?? uid.ToString(CultureInfo.InvariantCulture)
            : uid.ToString(CultureInfo.InvariantCulture);
    }

    public static unsafe string GroupName(uint gid)
    {
        var buffer = stackalloc byte[BufferBytes];
        Native.GroupEntry entry;
        Native.GroupEntry* found = null;
        return Native.getgrgid_r(gid, &entry, buffer, BufferBytes, &found) == 0 && found is not null
            ? Marshal.PtrToStringUTF8((nint)entry.Name) ?? gid.ToString(CultureInfo.InvariantCulture)
            : gid.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Gives a file or directory (not what is in it) to this user. Nothing to do for the agent's own user.</summary>
    public void Own(string path)
    {
        if (this != Current && Native.lchown(path, Uid, Gid) != 0)
        {
            throw new IOException($"Can't give {path} to user {UserName(Uid)}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    public void OwnTree(string path)
    {
        if (this == Current)
        {
            return;
        }
        Own(path);
        if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null)
        {
            foreach (var child in Directory.EnumerateFileSystemEntries(path))
            {
                OwnTree(child);
            }
        }
    }
}
