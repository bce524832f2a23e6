namespace Pacer.Shell.Tests.Contract;

/// <summary>docs/compatibility.md, read as tables.</summary>
internal static class CompatibilityPage
{
    /// <summary>The folder that this repository was cloned into.</summary>
    public static string Repository { get; } = Find();

    /// <summary>Cells of the table under a heading, without its head.</summary>
    public static List<string[]> Rows(string heading)
    {
        var lines = File.ReadAllLines(Path.Combine(Repository, "docs/compatibility.md"));
        return
        [
            .. lines.SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
                .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
        ];
    }

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Pacer.slnx")))
        {
            directory = directory.Parent;
        }
        return directory.FullName;
    }
}
