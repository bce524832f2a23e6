using System.Text;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>Lists a directory of a sandbox in the fields of Mesos' <c>/files/browse</c>.</summary>
internal static class FileBrowser
{
    /// <summary>Throws <see cref="SessionException"/> when there is no such directory inside the sandbox. Sorted by name; paths are relative to the sandbox.</summary>
    public static FileEntries List(string sandbox, string path)
    {
        var place = ConfinedPath.Resolve(sandbox, path)
            ?? throw new SessionException(SessionException.NotFound, $"'{path}' is not inside the sandbox");
        using var opened = ConfinedFile.OpenToLook(sandbox, place)
            ?? throw new SessionException(SessionException.NotFound, $"There is no '{path}' in the sandbox");
        var descriptor = (int)opened.DangerousGetHandle();
        var stat = FileStat.OfOpen(descriptor);
        var entries = new FileEntries();
        if (!stat.IsDirectory)
        {
            entries.Entries.Add(Describe(stat, path.Trim('/')));
            return entries;
        }
        // By what was opened: the path may lead elsewhere by now.
        var directory = $"/proc/self/fd/{descriptor}";
        var prefix = path.Trim('/') is { Length: > 0 } below && below != "." ? below + "/" : "";
        foreach (var name in Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal))
        {
            entries.Entries.Add(Describe(FileStat.OfLink($"{directory}/{name}"), prefix + name));
        }
        return entries;
    }

    private static FileEntry Describe(FileStat stat, string shown) => new()
    {
        Path = shown,
        Size = stat.Size,
        MtimeS = stat.ModifiedSeconds,
        Mode = Mode(stat.Mode),
        Uid = NodeUser.UserName(stat.Uid),
        Gid = NodeUser.GroupName(stat.Gid),
        Nlink = (int)Math.Min(int.MaxValue, stat.Links),
    };

    /// <summary><c>st_mode</c> as <c>ls -l</c> writes it.</summary>
    private static string Mode(uint mode)
    {
        var text = new StringBuilder(10);
        text.Append((mode & 0xF000) switch
        {
            0x4000 => 'd',
            0xA000 => 'l',
            0x1000 => 'p',
            0xC000 => 's',
            0x2000 => 'c',
            0x6000 => 'b',
            _ => '-',
        });
        for (var i = 8; i >= 0; i--)
        {
            text.Append((mode & (1u << i)) != 0 ? "xwr"[i % 3] : '-');
        }
        return text.ToString();
    }
}
