using System.Text.Json;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Groups;

/// <summary>Ids of groups, as URLs and bodies give them.</summary>
internal static class GroupPath
{
    /// <summary>The group that a URL names, absolute; "/" for the root. Throws (404) for what no group can be called.</summary>
    public static string OfUrl(string path) =>
        RunSpecPath.Resolve(path, "/", out _) ?? throw new ApiException(ApiErrors.GroupNotFound(path));

    /// <summary>The id in a body, relative to <paramref name="parent"/>; <paramref name="parent"/> itself when there is none.</summary>
    public static string OfBody(JsonElement body, string parent, string path = "")
    {
        var resolved = RunSpecPath.Resolve(Text(body, "id") ?? parent, parent, out var error);
        if (resolved == "/")
        {
            return resolved;
        }
        return resolved is not null && RunSpecPath.TryResolve(resolved, out var valid, out error)
            ? valid.Path
            : throw new ApiException(ApiErrors.InvalidObject($"{path}/id", error!));
    }

    /// <summary>Throws (422) unless <paramref name="id"/> lies directly in <paramref name="parent"/>.</summary>
    public static void RequireChild(string id, string parent, string path)
    {
        if (id == "/" || new RunSpecId(id).Group != parent)
        {
            throw new ApiException(ApiErrors.InvalidObject($"{path}/id", $"Identifier is not child of '{parent}'"));
        }
    }

    public static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
