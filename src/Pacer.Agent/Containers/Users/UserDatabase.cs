using System.Globalization;

namespace Pacer.Agent.Containers.Users;

/// <summary>Who a container's processes run as.</summary>
/// <param name="Home">From the password file; null when the uid has no entry.</param>
/// <param name="Groups">Supplementary groups, without the primary one.</param>
internal sealed record ContainerUser(uint Uid, uint Gid, IReadOnlyList<uint> Groups, string? Name, string? Home)
{
    public static readonly ContainerUser Root = new(0, 0, [], "root", "/root");
}

/// <summary>Looks users up in texts of /etc/passwd and /etc/group. Pure.</summary>
internal sealed class UserDatabase(string passwd, string group)
{
    public static UserDatabase OfHost() => new(ReadOrEmpty("/etc/passwd"), ReadOrEmpty("/etc/group"));

    /// <summary>A name or a decimal uid; a uid needs no entry (its group is then the same number). Null: no such user.</summary>
    public ContainerUser? Find(string nameOrUid)
    {
        foreach (var line in passwd.Split('\n'))
        {
            var f = line.Split(':');
            if (f.Length >= 6 && TryId(f[2], out var uid) && TryId(f[3], out var gid) && (f[0] == nameOrUid || f[2] == nameOrUid))
            {
                return new(uid, gid, GroupsOf(f[0], gid), f[0], f[5].Length == 0 ? null : f[5]);
            }
        }

        return TryId(nameOrUid, out var number) ? new(number, number, [], null, null) : null;
    }

    /// <summary>A name or a decimal gid; a gid needs no entry. Null: no such group.</summary>
    public uint? FindGroup(string nameOrGid)
    {
        foreach (var line in group.Split('\n'))
        {
            var f = line.Split(':');
            if (f.Length >= 3 && f[0] == nameOrGid && TryId(f[2], out var gid))
            {
                return gid;
            }
        }

        return TryId(nameOrGid, out var number) ? number : null;
    }

    private List<uint> GroupsOf(string name, uint primary)
    {
        var groups = new List<uint>();
        foreach (var line in group.Split('\n'))
        {
            var f = line.Split(':');
            if (f.Length >= 4 && TryId(f[2], out var gid) && gid != primary && f[3].Split(',').Contains(name))
            {
                groups.Add(gid);
            }
        }

        return groups;
    }

    private static bool TryId(string text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id) && id != uint.MaxValue;

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
