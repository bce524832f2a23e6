using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pacer.Bench;

/// <summary>The table: what was measured, against what, the ratio, and the aim.</summary>
internal sealed class Report
{
    private readonly List<(string Measure, string Pacer, string Against, double? Ratio, string Aim)> _rows = [];
    private readonly DateTime _at = DateTime.UtcNow;

    /// <param name="ratio">Pacer divided by what it is compared with; null where there is nothing to compare with.</param>
    public void Add(string measure, string pacer, string against, double? ratio, string aim)
    {
        _rows.Add((measure, pacer, against, ratio, aim));
        Console.Error.WriteLine($"{measure}: {pacer} {(against.Length > 0 ? $"against {against}" : "")} {Text(ratio)}");
    }

    public void Print(TextWriter output) => output.Write(Markdown());

    /// <summary>Writes DATE.md and DATE.json; a second run of a day replaces the first.</summary>
    /// <param name="part">Behind the date, for what is measured by itself.</param>
    public void Store(string directory, string part = "")
    {
        Directory.CreateDirectory(directory);
        var name = Path.Combine(directory, _at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + part);
        File.WriteAllText(name + ".md", $"# Benchmarks of {_at:yyyy-MM-dd HH:mm} UTC\n\n{Machine()}\n\n{Markdown()}");
        var rows = new JsonArray([.. _rows.Select(row => (JsonNode)new JsonObject
        {
            ["measure"] = row.Measure, ["pacer"] = row.Pacer, ["against"] = row.Against, ["ratio"] = row.Ratio, ["aim"] = row.Aim,
        })]);
        var all = new JsonObject { ["at"] = _at.ToString("O"), ["machine"] = Machine(), ["rows"] = rows };
        File.WriteAllText(name + ".json", all.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        Console.Error.WriteLine($"stored {name}.md and .json");
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
    }

    private static string Machine() =>
        $"{Environment.ProcessorCount} cores, kernel {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, load at the end {File.ReadAllText("/proc/loadavg").Split(' ')[0]}. " +
        "Medians; what is compared alternated in the same run.";

    private static string Text(double? ratio) => ratio is { } value ? value.ToString("0.00", CultureInfo.InvariantCulture) + "×" : "";

    private string Markdown()
    {
        var text = new StringBuilder("| measure | Pacer | compared with | ratio | aim |\n| --- | ---: | ---: | ---: | ---: |\n");
        foreach (var row in _rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Measure} | {row.Pacer} | {row.Against} | {Text(row.Ratio)} | {row.Aim} |\n");
        }
        return text.ToString();
    }
}
