using System.Text.Json;

namespace Pacer.Server.Api.Json;

/// <summary>What a JSON value must look like: the tables of AppSchema are made of these, <see cref="SchemaWalk"/> checks them.</summary>
internal abstract record Shape
{
    private Shape() { }

    /// <summary>A text; <see cref="Pattern"/> and <see cref="Values"/> narrow it. Values match in any case.</summary>
    public sealed record Text(int Min = 0, int Max = int.MaxValue, TextPattern? Pattern = null, string[]? Values = null) : Shape;

    /// <summary>A number without fraction.</summary>
    public sealed record Whole(long Min = long.MinValue, long Max = long.MaxValue) : Shape;

    public sealed record Number(double Min = double.MinValue, double Max = double.MaxValue) : Shape;

    public sealed record Flag : Shape;

    public sealed record List(Shape Item, int Min = 0, int Max = int.MaxValue) : Shape;

    /// <summary>An object with keys of the user's choice.</summary>
    public sealed record Map(Shape Value) : Shape;

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

/// <summary>A check on a text, with the words that explain it.</summary>
internal sealed record TextPattern(Func<string, bool> Matches, string Explanation);

/// <summary>One member of an object.</summary>
/// <param name="Unsupported">
/// Why the given value has no effect yet; null when it has one. Such values are accepted, kept and named in a warning.
/// </param>
internal sealed record Field(string Name, Shape Shape, bool Required = false, Func<JsonElement, string?>? Unsupported = null);
