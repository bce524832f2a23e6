using System.Text.Json;

namespace Pacer.Contracts.Wire;

/// <summary>Body of every answer that is not a success.</summary>
public sealed class ErrorBody
{
    public string? Message { get; set; }

    /// <summary>A text (syntax errors), or a list of <see cref="ErrorDetail"/>.</summary>
    public JsonElement? Details { get; set; }

    /// <summary>The deployments in the way, on a conflict.</summary>
    public List<Identifiable>? Deployments { get; set; }
}

/// <summary>What is wrong with one place of the request.</summary>
public sealed class ErrorDetail
{
    /// <summary>Members as <c>/name</c>, array elements as <c>(index)</c>; <c>/</c> is the whole object.</summary>
    public string? Path { get; set; }

    /// <summary>Codes ("error.path.missing") of schema errors, sentences of rule failures.</summary>
    public List<string>? Errors { get; set; }

    /// <summary>What to do about it, where <see cref="Errors"/> holds a bare code.</summary>
    public string? Message { get; set; }
}
