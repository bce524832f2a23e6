using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>Value of an environment variable: a text, or the name of a secret. Exactly one of the two is set.</summary>
[JsonConverter(typeof(EnvironmentValueConverter))]
public sealed record EnvironmentValue(string? Text, string? Secret)
{
    public static implicit operator EnvironmentValue(string text) => new(text, null);
}

public sealed class EnvironmentValueConverter : JsonConverter<EnvironmentValue>
{
    public override EnvironmentValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return new EnvironmentValue(reader.GetString(), null);
        }
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an environment value is a string or {\"secret\": name}");
        }
        string? secret = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isSecret = reader.ValueTextEquals("secret");
            reader.Read();
            if (isSecret && reader.TokenType == JsonTokenType.String)
            {
                secret = reader.GetString();
            }
            else
            {
                reader.Skip();
            }
        }
        return secret is null ? throw new JsonException("an environment value needs \"secret\"") : new EnvironmentValue(null, secret);
    }

    public override void Write(Utf8JsonWriter writer, EnvironmentValue value, JsonSerializerOptions options)
    {
        if (value.Secret is null)
        {
            writer.WriteStringValue(value.Text);
            return;
        }
        writer.WriteStartObject();
        writer.WriteString("secret", value.Secret);
        writer.WriteEndObject();
    }
}
