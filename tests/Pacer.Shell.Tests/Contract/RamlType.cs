namespace Pacer.Shell.Tests.Contract;

/// <summary>A type of the RAML with everything that it inherits.</summary>
internal sealed record RamlType
{
    /// <summary>"string", "integer", "number", "boolean", "datetime", "object", "array", "union", "nil" or "any".</summary>
    public required string Kind { get; init; }

    public string? Format { get; init; }
    public decimal? Minimum { get; init; }
    public decimal? Maximum { get; init; }
    public int? MinLength { get; init; }
    public int? MaxLength { get; init; }
    public int? MinItems { get; init; }
    public string? Pattern { get; init; }
    public IReadOnlyList<string>? Enum { get; init; }

    /// <summary>Given at the property: what a type says of itself is no default of those who use it.</summary>
    public string? Default { get; init; }
    public bool IsDeprecated { get; init; }
    public RamlType? Items { get; init; }

    /// <summary>Of an object with keys of the user's choice.</summary>
    public RamlType? Values { get; init; }
    public IReadOnlyList<RamlProperty> Properties { get; init; } = [];
    public IReadOnlyList<RamlType> Options { get; init; } = [];

    public bool IsWhole => Kind == "integer" || (Kind == "number" && Format is "int32" or "int64");

    /// <summary>Several kinds of object that one object stands for: all members, required where each requires them.</summary>
    public RamlType Merged()
    {
        if (Kind != "union" || Options.Any(option => option.Merged().Kind != "object"))
        {
            return this;
        }
        var options = Options.Select(option => option.Merged()).ToList();
        var names = options.SelectMany(option => option.Properties).Select(property => property.Name).Distinct(StringComparer.Ordinal);
        return new RamlType
        {
            Kind = "object",
            Properties =
            [
                .. names.Select(name =>
                {
                    var all = options.Select(option => option.Properties.FirstOrDefault(p => p.Name == name)).ToList();
                    var given = all.OfType<RamlProperty>().ToList();
                    var types = given.ConvertAll(p => p.Type);
                    var type = types.Any(t => t.Kind != types[0].Kind) || types is [{ Kind: "object" }, _, ..]
                        ? new RamlType { Kind = "union", Options = types }.Merged()
                        : types[0];
                    return new RamlProperty(name, type, all.All(p => p?.Required == true));
                }),
            ],
        };
    }
}

internal sealed record RamlProperty(string Name, RamlType Type, bool Required);
