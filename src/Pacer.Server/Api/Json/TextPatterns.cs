namespace Pacer.Server.Api.Json;

/// <summary>Patterns of the RAML, written out: none of them can be made to run long by a hostile text.</summary>
internal static class TextPatterns
{
    private const string Label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
    private const string Segment = $"(\\.|\\.\\.|({Label}\\.)*{Label})";
    private const string IdRegex = $"^/*({Segment}(/+|$))*$";

    public static readonly TextPattern PathId = new(
        IsPathId,
        IdRegex,
        $"must fully match regular expression '{IdRegex}': "
        + "segments of lowercase letters, digits, dashes and dots, separated by slashes, none beginning or ending with a dash");

    public static readonly TextPattern Name = new(
        text => IsLabel(text, allowUnderscore: false),
        $"^{Label}$",
        "must be lowercase letters, digits and inner dashes");

    public static readonly TextPattern NetworkName = new(
        text => IsLabel(text, allowUnderscore: true),
        "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$",
        "must be lowercase letters, digits and inner dashes or underscores");

    public static readonly TextPattern Executor = new(
        text => text.Length == 0 || text == "//cmd" || IsExecutorPath(text),
        "^(//cmd|/?[^/]+(/[^/]+)*)?$",
        "must be empty, '//cmd' or the path of an executor");

    /// <summary>One segment of an id: dot-joined labels, or one of the two special segments.</summary>
    public static bool IsSegment(string segment)
    {
        if (segment is "." or "..")
        {
            return true;
        }
        foreach (var label in segment.Split('.'))
        {
            if (!IsLabel(label, allowUnderscore: false))
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsPathId(string text) => text.Split('/').All(segment => segment.Length == 0 || IsSegment(segment));

    private static bool IsLabel(string text, bool allowUnderscore)
    {
        if (text.Length == 0 || !char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1]))
        {
            return false;
        }
        foreach (var c in text)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-' || (allowUnderscore && c == '_')))
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsExecutorPath(string text)
    {
        var path = text[0] == '/' ? text[1..] : text;
        return path.Split('/').All(part => part.Length > 0);
    }
}
