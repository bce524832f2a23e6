using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Everything under <c>/v2/secrets</c>.</summary>
internal static class SecretOperations
{
    private const string Tag = "Secrets";

    private static readonly Shape.Record Info = new("SecretInfo",
        new("name", AnswerShapes.Text, Required: true),
        new("version", AnswerShapes.Moment, Required: true));

    private static readonly Answer Stored = new(200, "Its name and when its content was set; the content is never shown.", Info);

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/secrets", "List secrets",
            new Answer(200, "By name.", new Shape.Record("SecretList", new Field("secrets", new Shape.List(Info), Required: true)))),
        new(Tag, "GET", "/v2/secrets/{id}", "Show when a secret was set", Stored),
        new(Tag, "PUT", "/v2/secrets/{id}", "Set a secret", Stored, Stored with { Status = 201, Note = "It is new." })
        {
            Body = new Shape.Record("SecretContent", new Field("value", new Shape.Text(Min: 1), Required: true)),
            Note = "With another content type than JSON the body is the content.",
        },
        new(Tag, "DELETE", "/v2/secrets/{id}", "Remove a secret", new Answer(204, "Done.")),
    ];
}
