using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Pods;

/// <summary>From schema-true JSON to a valid canonical pod. Throws <see cref="ApiException"/> (422) with everything that is wrong.</summary>
internal static class PodReader
{
    /// <summary>The id that the body names, absolute.</summary>
    public static RunSpecId ReadId(JsonElement element) => new(AppReader.Resolved(element.GetProperty("id").GetString(), "")!);

    /// <summary>Throws unless the element is a complete pod by its schema.</summary>
    public static void CheckSchema(JsonElement element, string path)
    {
        var walk = new SchemaWalk();
        walk.Check(element, PodSchema.Pod, path);
        if (walk.Failed)
        {
            throw new ApiException(ApiErrors.InvalidJson(walk.Errors));
        }
    }

    /// <param name="current">The pod that it replaces; null for a new one.</param>
    /// <param name="path">Where the element lies in the body, for the error's paths.</param>
    public static RunSpec Read(
        AppsContext context, JsonElement element, RunSpecId id, RunSpec? current, bool force, string path = "", AppPlace? place = null)
    {
        var pod = Deserialize(element);
        pod.Id = id.Path;
        var roles = context.Reader.ValidRoles(id.Path, place ?? new AppPlace(CurrentRole: current?.Role));
        PodDefaults.Fill(pod, context.Rules with { DefaultRole = roles[0] });
        var errors = new ErrorCollector();
        PodValidator.Validate(pod, context.Rules, roles, errors);
        if (errors.Count == 0 && current is not null)
        {
            PodResidentRules.ValidateUpdate(PodRendering.Read(current), pod, force, errors);
        }
        return errors.Count == 0
            ? PodConversion.ToRunSpec(pod)
            : throw new ApiException(ApiErrors.InvalidObject(
                [.. errors.Details.Select(d => new ErrorDetail { Path = path + d.Path, Errors = d.Errors, Message = d.Message })]));
    }

    private static Pod Deserialize(JsonElement element)
    {
        try
        {
            return element.Deserialize(WireJson.Default.Pod) ?? new Pod();
        }
        catch (JsonException error)
        {
            var at = (error.Path ?? "$").TrimStart('$').Replace('.', '/');
            throw new ApiException(ApiErrors.InvalidJson([new ErrorDetail { Path = at.Length == 0 ? "/" : at, Errors = ["error.invalid"] }]));
        }
    }
}
