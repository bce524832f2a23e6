using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>marathon-model.md §8.</summary>
internal static class ArtifactRules
{
    public static void Validate(List<Artifact>? artifacts, string path, ErrorCollector errors)
    {
        for (var i = 0; i < artifacts?.Count; i++)
        {
            var artifact = artifacts[i];
            errors.Require(IsUri(artifact.Uri!), $"{path}({i})/uri", "URI has invalid syntax.");
            if (artifact.DestPath is { } destination)
            {
                errors.Require(
                    !destination.StartsWith('/') && !destination.Split('/').Contains("..") && !destination.Contains('\0'),
                    $"{path}({i})/destPath", "must be a path inside the sandbox: relative and without '..'");
            }
        }
    }

    private static bool IsUri(string text)
    {
        foreach (var c in text)
        {
            if (c <= ' ' || c is '"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}' or '\x7f')
            {
                return false;
            }
        }
        return Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out _);
    }
}
