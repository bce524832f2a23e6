using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>The word "disabled" (<see cref="Disabled"/>), or seconds; absent seconds count as 0.</summary>
[JsonConverter(typeof(UnreachableStrategyConverter))]
public sealed class UnreachableStrategy
{
    public const string DisabledWord = "disabled";

    public bool Disabled { get; set; }
    public long? InactiveAfterSeconds { get; set; }
    public long? ExpungeAfterSeconds { get; set; }
}

public sealed class UnreachableStrategyConverter : JsonConverter<UnreachableStrategy>
{
    public override UnreachableStrategy Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString()!.Equals(UnreachableStrategy.DisabledWord, StringComparison.OrdinalIgnoreCase)
                ? new UnreachableStrategy { Disabled = true }
                : throw new JsonException("the only word allowed is \"disabled\"");
        }
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an unreachable strategy is \"disabled\" or an object");
        }
        var strategy = new UnreachableStrategy();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var inactive = reader.ValueTextEquals("inactiveAfterSeconds");
            var expunge = reader.ValueTextEquals("expungeAfterSeconds");
            reader.Read();
            if (reader.TokenType == JsonTokenType.Number && (inactive || expunge))
            {
                var seconds = WholeNumber.Read(ref reader);
                if (inactive)
                {
                    strategy.InactiveAfterSeconds = seconds;
                }
                else
                {
                    strategy.ExpungeAfterSeconds = seconds;
                }
            }
            else
            {
                reader.Skip();
            }
        }
        return strategy;
    }

    public override void Write(Utf8JsonWriter writer, UnreachableStrategy value, JsonSerializerOptions options)
    {
        if (value.Disabled)
        {
            writer.WriteStringValue(UnreachableStrategy.DisabledWord);
            return;
        }
        writer.WriteStartObject();
        if (value.InactiveAfterSeconds is { } inactive)
        {
            writer.WriteNumber("inactiveAfterSeconds", inactive);
        }
        if (value.ExpungeAfterSeconds is { } expunge)
        {
            writer.WriteNumber("expungeAfterSeconds", expunge);
        }
        writer.WriteEndObject();
    }
}
