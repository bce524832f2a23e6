using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Endpoints;

/// <summary>Reads and writes the endpoints feed without reflection. <see cref="Plain"/> is the one to write with.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EndpointUpdate))]
public sealed partial class EndpointJson : JsonSerializerContext
{
    /// <summary>Writes text as it is instead of escaping everything that HTML might mind.</summary>
    public static EndpointJson Plain => PlainHolder.Instance;

    // Its own class: initialisers of a partial class run in no defined order, and this one needs Default.
    private static class PlainHolder
    {
        public static readonly EndpointJson Instance =
            new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
