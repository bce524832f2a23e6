using System.Reflection;
using System.Text.RegularExpressions;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Pods;

namespace Pacer.Scenarios;

/// <summary>docs/compatibility.md says what the code does.</summary>
public sealed partial class CompatibilityPageTests
{
    [Fact]
    public void Page_FieldsWithoutEffect_AreThoseOfTheSchema()
    {
        var fields = Unsupported(AppSchema.App, "").Concat(Unsupported(PodSchema.Pod, "pod")).Order(StringComparer.Ordinal);
        var table = Rows("## Fields without effect").Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal);
        Assert.Equal(fields, table);
    }

    [Fact]
    public void Page_CountsOfScenarios_AreThoseOfTheTests()
    {
        var tests = typeof(CompatibilityPageTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null && ScenarioName().IsMatch(method.Name)).ToList();
        Assert.All(tests, method => Assert.StartsWith(
            method.Name.Replace('_', '-') + ": ", method.GetCustomAttribute<FactAttribute>()!.DisplayName, StringComparison.Ordinal));
        var rows = Rows("## Scenarios");
        Assert.Equal(tests.Count, rows.Sum(row => int.Parse(row[1], System.Globalization.CultureInfo.InvariantCulture)));
        var named = rows.SelectMany(row => row[4].Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(id => id.Trim('`').Replace('-', '_'));
        Assert.Equal(tests.Select(method => method.Name).Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal(
            int.Parse(row[1], System.Globalization.CultureInfo.InvariantCulture), row[4].Split(' ', StringSplitOptions.RemoveEmptyEntries).Length));
    }

    [GeneratedRegex("^[A-Z][A-Z_]+_[0-9]{2}$")]
    private static partial Regex ScenarioName();

    private static List<string[]> Rows(string heading)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Pacer.slnx")))
        {
            directory = directory.Parent;
        }
        var page = File.ReadAllText(Path.Combine(directory.FullName, "docs/compatibility.md"));
        var section = page[page.IndexOf(heading, StringComparison.Ordinal)..];
        var end = section.IndexOf("\n## ", 1, StringComparison.Ordinal);
        return [.. (end < 0 ? section : section[..end]).Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray())];
    }

    private static IEnumerable<string> Unsupported(Shape? shape, string path) => shape switch
    {
        Shape.Record record => record.Fields.SelectMany(field => Unsupported(field.Shape, Join(path, field.Name))
            .Concat(field.Unsupported is null ? [] : [Join(path, field.Name)])),
        Shape.List list => Unsupported(list.Item, path + "[]"),
        Shape.Map map => Unsupported(map.Value, path + ".*"),
        Shape.Either either => Unsupported(either.WhenText, path).Concat(Unsupported(either.WhenNumber, path)).Concat(Unsupported(either.WhenRecord, path)),
        _ => [],
    };

    private static string Join(string path, string name) => path.Length == 0 ? name : path + "." + name;
}
