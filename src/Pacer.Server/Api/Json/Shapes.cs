using System.Text.Json;

namespace Pacer.Server.Api.Json;

/// <summary>What a JSON value must look like: the tables of AppSchema are made of these, <see cref="SchemaWalk"/> checks them.</summary>
internal abstract record Shape
{
    private Shape() { }

    /// <summary>A text; <see cref="Pattern"/> and <see cref="Values"/> narrow it. Values match in any case.</summary>
    /// <param name="Format">A name for readers of the schema ("date-time"); not checked here.</param>
    public sealed record Text(
        int Min = 0, int Max = int.MaxValue, TextPattern? Pattern = null, string[]? Values = null, string? Format = null) : Shape;

    /// <summary>A number without fraction.</summary>
    public sealed record Whole(long Min = long.MinValue, long Max = long.MaxValue) : Shape;

    public sealed record Number(double Min = double.MinValue, double Max = double.MaxValue) : Shape;

    public sealed record Flag : Shape;

    public sealed record List(Shape Item, int Min = 0, int Max = int.MaxValue) : Shape;

    /// <summary>An object with keys of the user's choice.</summary>
    public sealed record Map(Shape Value) : Shape;

    /// <summary>An object with members that are known.</summary>
    /// <param name="Name">One of its own among all records: documents of the API refer to it.</param>
    public sealed record Record(string Name, params Field[] Fields) : Shape
    {
        private Dictionary<string, Field>? _byName;

        public Dictionary<string, Field> ByName => _byName ??= Fields.ToDictionary(f => f.Name, StringComparer.Ordinal);
    }

    /// <summary>A value whose JSON kind decides its shape; a missing shape refuses that kind.</summary>
    public sealed record Either(Shape? WhenText = null, Shape? WhenNumber = null, Shape? WhenRecord = null) : Shape;

    /// <summary>Accepted as it is: read-only members that come back when an answer is edited and sent again.</summary>
    public sealed record Anything : Shape;
}

/// <summary>A check on a text, the regular expression that says the same to other programs, and words that explain it.</summary>
internal sealed record TextPattern(Func<string, bool> Matches, string Regex, string Explanation);

/// <summary>One member of an object.</summary>
/// <param name="Unsupported">
/// Why the given value has no effect yet; null when it has one. Such values are accepted, kept and named in a warning.
/// </param>
internal sealed record Field(string Name, Shape Shape, bool Required = false, Func<JsonElement, string?>? Unsupported = null)
{
    /// <summary>What absence means: a string, bool, int, double or an array of these; null: nothing in particular, or it depends.</summary>
    public object? Default { get; init; }

    /// <summary>What to write instead of a form of earlier days.</summary>
    public string? Deprecated { get; init; }

    /// <summary>Answers carry it; in a request it is accepted, so that an answer can be edited and sent again, and means nothing.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>An answer may hold null instead of a value.</summary>
    public bool Nullable { get; init; }

    /// <summary>A sentence for readers of the schema.</summary>
    public string? Note { get; init; }
}
