using System.Globalization;
using System.Text.Json;
using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Json;

/// <summary>
/// Compares a JSON value with its shape and collects everything that is wrong with it, not only the first thing. Unknown members
/// are warnings, as Marathon accepts them. A value without errors can be deserialised into its wire type.
/// </summary>
internal sealed class SchemaWalk
{
    // A body can hold a million mistakes; nobody reads more than these.
    private const int MaxErrors = 100;
    private const int MaxWarnings = 50;

    private readonly ErrorCollector _errors = new();
    private readonly List<string> _warnings = [];

    public bool Failed => _errors.Count > 0;

    public IReadOnlyList<ErrorDetail> Errors => _errors.Details;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Check(JsonElement value, Shape shape, string path = "")
    {
        if (_errors.Count >= MaxErrors)
        {
            return;
        }
        switch (shape)
        {
            case Shape.Text text:
                CheckText(value, text, path);
                break;
            case Shape.Whole whole:
                CheckWhole(value, whole, path);
                break;
            case Shape.Number number:
                CheckNumber(value, number, path);
                break;
            case Shape.Flag when value.ValueKind is not (JsonValueKind.True or JsonValueKind.False):
                WrongKind(path, "jsboolean", "true or false", value);
                break;
            case Shape.List list:
                CheckList(value, list, path);
                break;
            case Shape.Map map:
                CheckMap(value, map, path);
                break;
            case Shape.Record record:
                CheckRecord(value, record, path);
                break;
            case Shape.Either either:
                CheckEither(value, either, path);
                break;
        }
    }

    private void CheckText(JsonElement value, Shape.Text shape, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            WrongKind(path, "jsstring", "a text", value);
            return;
        }
        var text = value.GetString()!;
        if (shape.Values is { } values)
        {
            if (!values.Contains(text, StringComparer.OrdinalIgnoreCase))
            {
                Add(path, "error.unknown.enum.literal", $"must be one of {string.Join(", ", values)}");
            }
            return;
        }
        if (text.Length < shape.Min)
        {
            Add(path, "error.minLength", shape.Min == 1 ? "must not be empty" : $"must have at least {shape.Min} characters");
        }
        else if (text.Length > shape.Max)
        {
            Add(path, "error.maxLength", $"must have at most {shape.Max} characters");
        }
        else if (shape.Pattern is { } pattern && !pattern.Matches(text))
        {
            Add(path, "error.pattern", pattern.Explanation);
        }
    }

    private void CheckWhole(JsonElement value, Shape.Whole shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            WrongKind(path, "jsnumber", "a number", value);
            return;
        }
        var number = value.TryGetInt64(out var whole) ? whole : value.GetDouble();
        if (Math.Floor(number) != number && double.IsFinite(number))
        {
            Add(path, "error.expected.int", "must be a whole number");
        }
        else if (number < shape.Min)
        {
            Add(path, "error.min", $"must be at least {shape.Min}");
        }
        else if (number > shape.Max || Math.Abs(number) > 1e15)
        {
            Add(path, "error.max", $"must be at most {Math.Min(shape.Max, 1_000_000_000_000_000)}");
        }
    }

    private void CheckNumber(JsonElement value, Shape.Number shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            WrongKind(path, "jsnumber", "a number", value);
            return;
        }
        var number = value.GetDouble();
        if (number < shape.Min)
        {
            Add(path, "error.min", string.Create(CultureInfo.InvariantCulture, $"must be at least {shape.Min}"));
        }
        else if (number > shape.Max || !double.IsFinite(number))
        {
            Add(path, "error.max", string.Create(CultureInfo.InvariantCulture, $"must be at most {shape.Max}"));
        }
    }

    private void CheckList(JsonElement value, Shape.List shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            WrongKind(path, "jsarray", "a list", value);
            return;
        }
        var count = value.GetArrayLength();
        if (count < shape.Min)
        {
            Add(path, "error.minLength", $"must have at least {shape.Min} elements");
        }
        else if (count > shape.Max)
        {
            Add(path, "error.maxLength", $"must have at most {shape.Max} elements");
        }
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            Check(item, shape.Item, $"{path}({index})");
            index++;
        }
    }

    private void CheckMap(JsonElement value, Shape.Map shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            WrongKind(path, "jsobject", "an object", value);
            return;
        }
        foreach (var entry in value.EnumerateObject().Where(e => e.Value.ValueKind != JsonValueKind.Null))
        {
            Check(entry.Value, shape.Value, $"{path}/{entry.Name}");
        }
    }

    private void CheckRecord(JsonElement value, Shape.Record shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            WrongKind(path, "jsobject", "an object", value);
            return;
        }
        foreach (var member in value.EnumerateObject())
        {
            var memberPath = $"{path}/{member.Name}";
            if (!shape.ByName.TryGetValue(member.Name, out var field))
            {
                var meant = Spelling.Nearest(member.Name, shape.ByName.Keys);
                Warn($"unknown field {memberPath} ignored" + (meant is null ? "" : $"; did you mean {meant}?"));
                continue;
            }
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }
            var errorsBefore = _errors.Count;
            Check(member.Value, field.Shape, memberPath);
            if (_errors.Count == errorsBefore && SaysSomething(member.Value) && field.Unsupported?.Invoke(member.Value) is { } reason)
            {
                Warn($"field {memberPath} is stored but has no effect yet: {reason}");
            }
        }
        foreach (var field in shape.Fields)
        {
            if (field.Required && (!value.TryGetProperty(field.Name, out var given) || given.ValueKind == JsonValueKind.Null))
            {
                Add($"{path}/{field.Name}", "error.path.missing", $"{field.Name} is required");
            }
        }
    }

    private void CheckEither(JsonElement value, Shape.Either shape, string path)
    {
        var found = value.ValueKind switch
        {
            JsonValueKind.String => shape.WhenText,
            JsonValueKind.Number => shape.WhenNumber,
            JsonValueKind.Object => shape.WhenRecord,
            _ => null,
        };
        if (found is not null)
        {
            Check(value, found, path);
            return;
        }
        WrongKind(
            path,
            shape.WhenRecord is not null ? "jsobject" : "jsnumber",
            shape.WhenRecord is not null ? "a text or an object" : "a text or a number",
            value);
    }

    private void WrongKind(string path, string code, string expected, JsonElement value) =>
        Add(path, "error.expected." + code, $"must be {expected}, not {Describe(value)}");

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => "null",
    };

    // Defaults that tools write out for completeness are no wish that goes unfulfilled.
    private static bool SaysSomething(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.String => value.GetString()!.Length > 0,
        JsonValueKind.Number => value.GetDouble() != 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().MoveNext(),
        _ => true,
    };

    private void Add(string path, string code, string message) => _errors.Add(path.Length == 0 ? "/" : path, code, message);

    private void Warn(string text)
    {
        if (_warnings.Count < MaxWarnings)
        {
            _warnings.Add(text);
        }
    }
}
