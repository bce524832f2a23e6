namespace Pacer.Agent.Node;

/// <summary>
/// Follows a path below a directory the way the kernel would, symbolic links included, and notices when it leaves that directory.
/// For directories whose content others make: sandboxes and unpacked archives.
/// </summary>
internal static class ConfinedPath
{
    private const int MostLinks = 40;

    /// <summary>
    /// The real place of <paramref name="path"/> below <paramref name="root"/>; parts that don't exist are kept as they are. A path
    /// that begins with the root itself is taken as such. Null when it leads out of the root.
    /// </summary>
    /// <param name="followLast">False: when the last part is a link, its own place is wanted.</param>
    public static string? Resolve(string root, string path, bool followLast = true)
    {
        root = Path.GetFullPath(root);
        var pending = new Stack<string>();
        Push(pending, IsBelow(root, path) ? path[root.Length..] : path);
        var current = root;
        var links = 0;
        while (pending.TryPop(out var part))
        {
            if (part == "..")
            {
                if (current.Length == root.Length)
                {
                    return null;
                }
                current = Path.GetDirectoryName(current)!;
                continue;
            }
            var next = Path.Combine(current, part);
            var target = pending.Count > 0 || followLast ? new FileInfo(next).LinkTarget : null;
            if (target is null)
            {
                current = next;
                continue;
            }
            if (++links > MostLinks)
            {
                return null;
            }
            if (target.StartsWith('/'))
            {
                if (!IsBelow(root, target))
                {
                    return null;
                }
                current = root;
                target = target[root.Length..];
            }
            Push(pending, target);
        }
        return current;
    }

    private static bool IsBelow(string root, string path) =>
        path.StartsWith(root, StringComparison.Ordinal) && (path.Length == root.Length || path[root.Length] == '/');

    private static void Push(Stack<string> pending, string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = parts.Length - 1; i >= 0; i--)
        {
            if (parts[i] != ".")
            {
                pending.Push(parts[i]);
            }
        }
    }
}
