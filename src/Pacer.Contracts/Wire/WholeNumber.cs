using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>JSON knows one kind of number: <c>2.0</c> and <c>2e0</c> are as whole as <c>2</c>.</summary>
internal static class WholeNumber
{
    public static long Read(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out var whole))
        {
            return whole;
        }
        var number = reader.GetDouble();
        return Math.Abs(number) < 1e15 && Math.Floor(number) == number ? (long)number : throw new JsonException("not a whole number");
    }
}

public sealed class Int32Converter : JsonConverter<int>
{
    public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number)
        {
            throw new JsonException("not a number");
        }
        var whole = WholeNumber.Read(ref reader);
        return whole is >= int.MinValue and <= int.MaxValue ? (int)whole : throw new JsonException("number too large");
    }

    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}

public sealed class Int64Converter : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? WholeNumber.Read(ref reader) : throw new JsonException("not a number");

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
