using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using Pacer.Server.Api.Json;

namespace Pacer.Shell.Tests.Contract;

/// <summary>Tells in which fields a shape is another than a type of the RAML, as lines of "Record.field: what".</summary>
/// <param name="isAnswer">Answers promise names, kinds, what is always there and closed sets of words; bounds are for requests.</param>
internal sealed class ShapeComparison(bool isAnswer)
{
    private readonly HashSet<(string, string)> _seen = [];

    public List<string> Differences { get; } = [];

    public void Compare(Shape shape, RamlType type, string at)
    {
        type = type.Merged();
        switch (shape)
        {
            case Shape.Record when type.Kind == "any":
                break;
            case Shape.Anything:
                Require(type.Kind == "any", at, $"anything instead of {type.Kind}");
                break;
            case Shape.Text text when type.Kind == "datetime":
                Require(text.Format == "date-time", at, "not known as a point in time");
                break;
            case Shape.Text text when type.Kind == "string":
                CompareText(text, type, at);
                break;
            case Shape.Whole whole when type.IsWhole:
                CompareRange(whole.Min, whole.Max, type, at);
                break;
            case Shape.Number number when type.Kind == "number":
                CompareRange(number.Min, number.Max, type, at);
                break;
            case Shape.Flag when type.Kind == "boolean":
                break;
            case Shape.List list when type is { Kind: "array", Items: { } items }:
                Require(isAnswer || list.Min == (type.MinItems ?? 0), at, $"at least {list.Min} elements instead of {type.MinItems ?? 0}");
                Compare(list.Item, items, at + "[]");
                break;
            case Shape.Map map when type is { Kind: "object", Values: { } values }:
                Compare(map.Value, values, at + ".*");
                break;
            case Shape.Record record when type.Kind == "object":
                CompareRecord(record, type);
                break;
            case Shape.Either either when type.Kind == "union":
                CompareEither(either, type, at);
                break;
            default:
                Require(false, at, $"{shape.GetType().Name} instead of {type.Kind}");
                break;
        }
    }

    private void CompareRecord(Shape.Record record, RamlType type)
    {
        foreach (var property in type.Properties)
        {
            var at = $"{record.Name}.{property.Name}";
            if (!_seen.Add((record.Name, property.Name)))
            {
                continue;
            }
            if (!record.ByName.TryGetValue(property.Name, out var field))
            {
                Differences.Add($"{at}: missing");
                continue;
            }
            // What has a default need not be given and is always shown.
            Require(isAnswer
                ? field.Required || field.Default is not null || !property.Required
                : field.Required == (property.Required && property.Type.Default is null), at, field.Required ? "required" : "optional");
            if (!isAnswer)
            {
                var (ours, theirs) = (Text(field.Default), property.Type.Default);
                Require(Same(ours, theirs), at, $"default {ours ?? "none"} instead of {theirs ?? "none"}");
                Require(field.Deprecated is not null == property.Type.IsDeprecated, at, property.Type.IsDeprecated ? "not deprecated" : "deprecated");
            }
            if (!field.ReadOnly)
            {
                Compare(field.Shape, property.Type, at);
            }
        }
        foreach (var field in record.Fields.Where(field => !field.ReadOnly && type.Properties.All(property => property.Name != field.Name)))
        {
            if (_seen.Add((record.Name, field.Name)))
            {
                Differences.Add($"{record.Name}.{field.Name}: not in the RAML");
            }
        }
    }

    private void CompareText(Shape.Text text, RamlType type, string at)
    {
        if (text.Values is { } values)
        {
            var more = values.Except(type.Enum ?? []).Select(value => $"also '{value}'");
            var less = (type.Enum ?? []).Except(values).Select(value => $"not '{value}'");
            var difference = string.Join(", ", more.Concat(less).Order(StringComparer.Ordinal));
            Require(difference.Length == 0, at, difference);
            return;
        }
        Require(type.Enum is null, at, "any text instead of a closed set");
        if (isAnswer)
        {
            return;
        }
        Require(text.Min == (type.MinLength ?? 0), at, $"at least {text.Min} characters instead of {type.MinLength ?? 0}");
        Require(text.Max == (type.MaxLength ?? int.MaxValue), at, $"at most {text.Max} characters instead of {type.MaxLength?.ToString(CultureInfo.InvariantCulture) ?? "any number"}");
        if (type.Pattern is null || text.Pattern is null)
        {
            Require(type.Pattern is null == text.Pattern is null, at, text.Pattern is null ? "no pattern" : "a pattern");
            return;
        }
        var regex = new Regex(type.Pattern, RegexOptions.CultureInvariant);
        var different = ShortTexts.All.Where(t => t.Length >= text.Min && regex.IsMatch(t) != text.Pattern.Matches(t)).Take(3).ToList();
        Require(different.Count == 0, at, $"another pattern, as '{string.Join("' '", different)}' shows");
    }

    private void CompareRange(double min, double max, RamlType type, string at)
    {
        if (isAnswer)
        {
            return;
        }
        var (lowest, highest) = type.Format switch
        {
            "int32" => (int.MinValue, int.MaxValue),
            "int64" => (long.MinValue, long.MaxValue),
            _ => (double.MinValue, double.MaxValue),
        };
        var (theirMin, theirMax) = ((double?)type.Minimum ?? lowest, (double?)type.Maximum ?? highest);
        Require(min == theirMin, at, $"at least {Limit(min)} instead of {Limit(theirMin)}");
        Require(max == theirMax, at, $"at most {Limit(max)} instead of {Limit(theirMax)}");
    }

    private void CompareEither(Shape.Either either, RamlType type, string at)
    {
        foreach (var (shape, kind) in new[] { (either.WhenText, "string"), (either.WhenNumber, "number"), (either.WhenRecord, "object") })
        {
            var option = type.Options.FirstOrDefault(o => o.Kind == kind);
            if (shape is null || option is null)
            {
                Require(shape is null && option is null, at, shape is null ? $"no {kind} allowed" : $"a {kind} allowed");
                continue;
            }
            Compare(shape, option, at);
        }
    }

    private void Require(bool holds, string at, string difference)
    {
        if (!holds)
        {
            Differences.Add($"{at}: {difference}");
        }
    }

    private static string Limit(double value) =>
        Math.Abs(value) is int.MaxValue or 2147483648 or >= long.MaxValue ? "any number" : value.ToString(CultureInfo.InvariantCulture);

    private static bool Same(string? ours, string? theirs) =>
        ours == theirs
        || (decimal.TryParse(ours, CultureInfo.InvariantCulture, out var a) && decimal.TryParse(theirs, CultureInfo.InvariantCulture, out var b) && a == b);

    private static string? Text(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        string text => text,
        IEnumerable list => "[" + string.Join(",", list.Cast<object>()) + "]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}

/// <summary>Every text of up to five of these characters: enough to tell any two patterns of the API apart.</summary>
internal static class ShortTexts
{
    private const string Characters = "az0A-_./";

    public static IReadOnlyList<string> All { get; } = Make();

    private static List<string> Make()
    {
        var all = new List<string> { "" };
        for (var (from, length) = (0, 1); length <= 5; length++)
        {
            var to = all.Count;
            for (; from < to; from++)
            {
                all.AddRange(Characters.Select(c => all[from] + c));
            }
        }
        return all;
    }
}
