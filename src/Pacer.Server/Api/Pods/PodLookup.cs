using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Pods;

/// <summary>Finds what a path names. Throws <see cref="ApiException"/> (404).</summary>
internal static class PodLookup
{
    public static RunSpecId Id(string path) =>
        RunSpecPath.TryResolve(path, out var id, out _) ? id : throw new ApiException(ApiErrors.PodNotFound(path));

    public static RunSpec? Find(ClusterState state, RunSpecId id) =>
        state.RunSpecs.TryGetValue(id, out var spec) && spec.Kind == RunSpecKind.Pod ? spec : null;

    public static RunSpec Pod(ClusterState state, RunSpecId id) => Find(state, id) ?? throw new ApiException(ApiErrors.PodNotFound(id.Path));

    public static RunSpec Pod(ClusterState state, string path) => Pod(state, Id(path));

    /// <summary>The pod that a put would replace; null when the id is free. Refuses ids of apps (422).</summary>
    public static RunSpec? Replaced(ClusterState state, RunSpecId id) =>
        state.RunSpecs.GetValueOrDefault(id) switch
        {
            { Kind: RunSpecKind.App } => throw new ApiException(ApiErrors.InvalidObject(
                "/id", $"Applications and Pods may not have the same id: {id} is an app")),
            var pod => pod,
        };
}
