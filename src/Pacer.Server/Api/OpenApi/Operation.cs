using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>One thing that the API can be asked for: what the document about it is made of, and what tests hold answers against.</summary>
/// <param name="Path">With names in braces. The last word of a path may hold slashes, as ids do.</param>
internal sealed record Operation(string Tag, string Method, string Path, string Summary, params Answer[] Answers)
{
    public Parameter[] Query { get; init; } = [];

    /// <summary>Of a JSON body; null: there is none.</summary>
    public Shape? Body { get; init; }

    public bool BodyIsOptional { get; init; }

    public string? Note { get; init; }
}

/// <summary>A query parameter.</summary>
internal sealed record Parameter(string Name, Shape Shape, string Note)
{
    /// <summary>May be given several times.</summary>
    public bool Repeats { get; init; }
    public bool Required { get; init; }
    public object? Default { get; init; }
}

/// <summary>A success; refusals are the same everywhere.</summary>
/// <param name="Body">Null: no body, or one of another type than JSON.</param>
internal sealed record Answer(int Status, string Note, Shape? Body = null, string? MediaType = null);
