using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Pacer.Shell.Tests.Contract;

/// <summary>The types of a folder of RAML 1.0 libraries, by file and name. Reads what those of Marathon's v2 API use of the language.</summary>
internal sealed class RamlLibrary
{
    private static readonly string[] BuiltIn = ["string", "integer", "number", "boolean", "datetime", "object", "array", "nil", "any"];

    private readonly string _folder;
    private readonly Dictionary<string, YamlMappingNode> _files = new(StringComparer.Ordinal);

    private RamlLibrary(string folder) => _folder = folder;

    public string Examples => Path.Combine(_folder, "..", "examples");

    /// <summary>
    /// The reference: where <c>PACER_RAML</c> says, or in a folder <c>reference/raml</c> of a neighbour of this repository. Skips the test
    /// without it.
    /// </summary>
    public static RamlLibrary Open()
    {
        if (Environment.GetEnvironmentVariable("PACER_RAML") is { Length: > 0 } given)
        {
            return new RamlLibrary(Path.Combine(given, "v2", "types"));
        }
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var folder = at.EnumerateDirectories().Select(neighbour => Path.Combine(neighbour.FullName, "reference", "raml", "v2", "types"))
                .FirstOrDefault(Directory.Exists);
            if (folder is not null)
            {
                return new RamlLibrary(folder);
            }
        }
        Assert.Skip("Marathon's RAML is not beside this repository: name its folder in PACER_RAML");
        throw new InvalidOperationException();
    }

    /// <param name="name">"file.Type".</param>
    public RamlType Type(string name) => Expression(name.Split('.')[1], name.Split('.')[0], []);

    private RamlType Expression(string text, string file, string[] within)
    {
        text = text.Trim();
        if (text.StartsWith('(') && text.EndsWith(')'))
        {
            text = text[1..^1].Trim();
        }
        if (text.Contains('|'))
        {
            return new RamlType { Kind = "union", Options = [.. text.Split('|').Select(option => Expression(option, file, within))] };
        }
        if (text.EndsWith("[]", StringComparison.Ordinal))
        {
            return new RamlType { Kind = "array", Items = Expression(text[..^2], file, within) };
        }
        if (BuiltIn.Contains(text))
        {
            return new RamlType { Kind = text };
        }
        if (text.Split('.') is [var alias, var imported])
        {
            var target = ((YamlScalarNode)File(file)["uses"][alias]).Value!;
            return Expression(imported, Path.GetFileNameWithoutExtension(target), within);
        }
        var key = $"{file}.{text}";
        if (within.Contains(key))
        {
            // A type that is part of itself is compared once.
            return new RamlType { Kind = "any" };
        }
        return Declaration(File(file)["types"][text], file, [.. within, key]) with { Default = null };
    }

    private RamlType Declaration(YamlNode node, string file, string[] within)
    {
        if (node is YamlScalarNode scalar)
        {
            return string.IsNullOrEmpty(scalar.Value) ? new RamlType { Kind = "string" } : Expression(scalar.Value, file, within);
        }
        var map = (YamlMappingNode)node;
        var type = Text(map, "type") is { } named ? Expression(named, file, within) with { Default = null }
            : new RamlType { Kind = map.Children.ContainsKey("properties") ? "object" : "string" };
        if (map.Children.TryGetValue("properties", out var properties))
        {
            type = AddProperties(type, (YamlMappingNode)properties, file, within);
        }
        return type with
        {
            Format = Text(map, "format") ?? type.Format,
            Minimum = Number(map, "minimum") ?? type.Minimum,
            Maximum = Number(map, "maximum") ?? type.Maximum,
            MinLength = (int?)Number(map, "minLength") ?? type.MinLength,
            MaxLength = (int?)Number(map, "maxLength") ?? type.MaxLength,
            MinItems = (int?)Number(map, "minItems") ?? type.MinItems,
            Pattern = Text(map, "pattern") ?? type.Pattern,
            Default = Text(map, "default"),
            IsDeprecated = map.Children.ContainsKey("(pragma.deprecated)"),
            Enum = map.Children.TryGetValue("enum", out var values)
                ? [.. ((YamlSequenceNode)values).Select(value => ((YamlScalarNode)value).Value!)]
                : type.Enum,
            Items = map.Children.TryGetValue("items", out var items) ? Declaration(items, file, within) : type.Items,
        };
    }

    private RamlType AddProperties(RamlType type, YamlMappingNode properties, string file, string[] within)
    {
        var all = type.Properties.ToList();
        foreach (var (key, value) in properties)
        {
            var name = ((YamlScalarNode)key).Value!;
            var declared = Declaration(value, file, within);
            if (name.StartsWith('/'))
            {
                type = declared.Kind == "nil" ? type : type with { Values = declared };
                continue;
            }
            var isOptional = name.EndsWith('?') || (value is YamlMappingNode facets && Text(facets, "required") == "false");
            all.Add(new RamlProperty(name.TrimEnd('?'), declared, !isOptional));
        }
        return type with { Properties = all };
    }

    private YamlMappingNode File(string name)
    {
        if (!_files.TryGetValue(name, out var root))
        {
            var yaml = new YamlStream();
            using var reader = new StreamReader(Path.Combine(_folder, name + ".raml"));
            yaml.Load(reader);
            _files.Add(name, root = (YamlMappingNode)yaml.Documents[0].RootNode);
        }
        return root;
    }

    private static string? Text(YamlMappingNode map, string key) =>
        map.Children.TryGetValue(key, out var value) ? (value as YamlScalarNode)?.Value : null;

    private static decimal? Number(YamlMappingNode map, string key) =>
        Text(map, key) is { } text ? decimal.Parse(text, CultureInfo.InvariantCulture) : null;
}
