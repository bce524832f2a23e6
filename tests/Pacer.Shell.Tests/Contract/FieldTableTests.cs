using System.Collections;
using System.Globalization;
using System.Text;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.OpenApi;
using Pacer.Server.Api.Pods;

namespace Pacer.Shell.Tests.Contract;

/// <summary>
/// The contract of the API in a form of our own, one line a field, so that a change of it is seen for what it is. After a change that is
/// meant: <c>PACER_WRITE_CONTRACT=1 artifacts/bin/Pacer.Shell.Tests/release/Pacer.Shell.Tests -class '*FieldTableTests'</c>.
/// </summary>
public sealed class FieldTableTests
{
    [Fact]
    public void Requests_Tables_AreThoseOfTheContract() =>
        Compare("requests.txt", [AppSchema.App, GroupSchema.Update, GroupSchema.Patch, PodSchema.Pod, .. Operations.All.Select(o => o.Body).OfType<Shape>()]);

    [Fact]
    public void Answers_Tables_AreThoseOfTheContract() =>
        Compare("answers.txt", [.. Operations.All.SelectMany(o => o.Answers).Select(a => a.Body).OfType<Shape>()]);

    private static void Compare(string file, Shape[] roots)
    {
        var records = new SortedDictionary<string, Shape.Record>(StringComparer.Ordinal);
        foreach (var root in roots)
        {
            Collect(root, records);
        }
        var text = string.Join('\n', records.Values.Select(Render));
        var path = Path.Combine(CompatibilityPage.Repository, "tests/Pacer.Shell.Tests/Contract", file);
        if (Environment.GetEnvironmentVariable("PACER_WRITE_CONTRACT") == "1")
        {
            File.WriteAllText(path, text);
        }
        Assert.Equal(File.ReadAllText(path), text);
    }

    private static void Collect(Shape shape, SortedDictionary<string, Shape.Record> records)
    {
        switch (shape)
        {
            case Shape.Record record when records.TryGetValue(record.Name, out var other):
                Assert.True(ReferenceEquals(record, other) || Render(record) == Render(other), $"two kinds of {record.Name}");
                break;
            case Shape.Record record:
                records.Add(record.Name, record);
                foreach (var field in record.Fields)
                {
                    Collect(field.Shape, records);
                }
                break;
            case Shape.List list:
                Collect(list.Item, records);
                break;
            case Shape.Map map:
                Collect(map.Value, records);
                break;
            case Shape.Either either:
                foreach (var option in new[] { either.WhenText, either.WhenNumber, either.WhenRecord }.OfType<Shape>())
                {
                    Collect(option, records);
                }
                break;
        }
    }

    private static string Render(Shape.Record record)
    {
        var text = new StringBuilder(record.Name).Append('\n');
        foreach (var field in record.Fields)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {field.Name}{(field.Required ? "!" : "")}: {Describe(field.Shape)}");
            text.Append(field.Default is null ? "" : $" = {Literal(field.Default)}");
            text.Append(field.Nullable ? " or null" : "");
            text.Append(field.ReadOnly ? ", ignored" : "");
            text.Append(field.Deprecated is null ? "" : $", deprecated: {field.Deprecated}");
            text.Append('\n');
        }
        return text.ToString();
    }

    private static string Describe(Shape shape) => shape switch
    {
        Shape.Text { Values: { } values } => string.Join(" | ", values),
        Shape.Text text => "text" + (text.Format is null ? "" : $" {text.Format}") + Range(text.Min, text.Max, 0, int.MaxValue)
            + (text.Pattern is null ? "" : $" {text.Pattern.Regex}"),
        Shape.Whole whole => "whole" + Range(whole.Min, whole.Max, long.MinValue, long.MaxValue),
        Shape.Number number => "number" + Range(number.Min, number.Max, double.MinValue, double.MaxValue),
        Shape.Flag => "flag",
        Shape.List list => $"list{Range(list.Min, list.Max, 0, int.MaxValue)} of {Describe(list.Item)}",
        Shape.Map map => $"map of {Describe(map.Value)}",
        Shape.Record record => record.Name,
        Shape.Either either => string.Join(" or ", new[] { either.WhenText, either.WhenNumber, either.WhenRecord }.OfType<Shape>().Select(Describe)),
        _ => "anything",
    };

    private static string Range(double min, double max, double lowest, double highest) =>
        (min <= lowest, max >= highest) switch
        {
            (true, true) => "",
            (true, false) => FormattableString.Invariant($" ..{max}"),
            (false, true) => FormattableString.Invariant($" {min}.."),
            _ => FormattableString.Invariant($" {min}..{max}"),
        };

    private static string Literal(object value) => value switch
    {
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        IEnumerable list => "[" + string.Join(", ", list.Cast<object>().Select(Literal)) + "]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
