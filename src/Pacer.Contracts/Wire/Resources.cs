using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>What a custom executor needs besides its task: cores, MiB, MiB.</summary>
public sealed class ExecutorResources
{
    public double? Cpus { get; set; }
    public double? Mem { get; set; }
    public double? Disk { get; set; }
}

public sealed class ResourceLimits
{
    public ResourceLimit? Cpus { get; set; }
    public ResourceLimit? Mem { get; set; }
}

/// <summary>A number, or the word "unlimited" (<see cref="Amount"/> null).</summary>
[JsonConverter(typeof(ResourceLimitConverter))]
public sealed record ResourceLimit(double? Amount)
{
    public const string UnlimitedWord = "unlimited";
    public static readonly ResourceLimit Unlimited = new((double?)null);

    /// <summary>A word that is not "unlimited", kept so that the error can quote it.</summary>
    public string? InvalidWord { get; init; }
}

public sealed class ResourceLimitConverter : JsonConverter<ResourceLimit>
{
    public override ResourceLimit Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            return new ResourceLimit(reader.GetDouble());
        }
        if (reader.TokenType == JsonTokenType.String)
        {
            var word = reader.GetString()!;
            return word.Equals(ResourceLimit.UnlimitedWord, StringComparison.OrdinalIgnoreCase)
                ? ResourceLimit.Unlimited
                : ResourceLimit.Unlimited with { InvalidWord = word };
        }
        throw new JsonException("a resource limit is a number or \"unlimited\"");
    }

    public override void Write(Utf8JsonWriter writer, ResourceLimit value, JsonSerializerOptions options)
    {
        if (value.Amount is { } amount)
        {
            writer.WriteNumberValue(amount);
        }
        else
        {
            writer.WriteStringValue(value.InvalidWord ?? ResourceLimit.UnlimitedWord);
        }
    }
}
