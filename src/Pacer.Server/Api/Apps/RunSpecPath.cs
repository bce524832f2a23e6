using Pacer.Core.Model;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps;

/// <summary>Turns ids as users write them into absolute ones (marathon-model.md §1).</summary>
internal static class RunSpecPath
{
    private static readonly string[] ReservedLast = ["restart", "tasks", "versions", ".", ".."];

    /// <summary>
    /// Resolves against <paramref name="parent"/> ("/" for apps and pods); <c>.</c> and <c>..</c> and empty segments disappear. Gives the
    /// path of a group or run spec ("/" for the root), or null with what is wrong.
    /// </summary>
    public static string? Resolve(string text, string parent, out string? error)
    {
        error = null;
        var segments = new List<string>();
        if (!text.StartsWith('/'))
        {
            segments.AddRange(parent.Split('/', StringSplitOptions.RemoveEmptyEntries));
        }
        foreach (var segment in text.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TextPatterns.IsSegment(segment))
            {
                error = TextPatterns.PathId.Explanation;
                return null;
            }
            if (segment == "..")
            {
                if (segments.Count > 0)
                {
                    segments.RemoveAt(segments.Count - 1);
                }
            }
            else if (segment != ".")
            {
                segments.Add(segment);
            }
        }
        return "/" + string.Join('/', segments);
    }

    /// <summary>As <see cref="Resolve"/>, and the result must be able to name an app or a pod.</summary>
    public static bool TryResolve(string text, out RunSpecId id, out string? error, string parent = "/")
    {
        id = default;
        if (Resolve(text, parent, out error) is not { } path)
        {
            return false;
        }
        if (path == "/")
        {
            error = "must not be the root: at least one segment is needed";
            return false;
        }
        var last = path[(path.LastIndexOf('/') + 1)..];
        var written = text.TrimEnd('/');
        written = written[(written.LastIndexOf('/') + 1)..];
        if (ReservedLast.Contains(last) || ReservedLast.Contains(written))
        {
            error = $"must not end in one of the reserved words {string.Join(", ", ReservedLast)}";
            return false;
        }
        id = new RunSpecId(path);
        return true;
    }
}
