using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>Finds what a path names. Throws <see cref="ApiException"/> (404).</summary>
internal static class AppLookup
{
    /// <summary>The id, absolute; ids that no app can have are unknown like any other.</summary>
    public static RunSpecId Id(string path) =>
        RunSpecPath.TryResolve(path, out var id, out _) ? id : throw new ApiException(ApiErrors.AppNotFound(path));

    public static RunSpec App(ClusterState state, RunSpecId id) =>
        Find(state, id) ?? throw new ApiException(ApiErrors.AppNotFound(id.Path));

    public static RunSpec App(ClusterState state, string path) => App(state, Id(path));

    public static RunSpec? Find(ClusterState state, RunSpecId id) =>
        state.RunSpecs.TryGetValue(id, out var spec) && spec.Kind == RunSpecKind.App ? spec : null;

    /// <summary>The app that a put would replace; null when the id is free. Refuses ids of pods (422).</summary>
    public static RunSpec? Replaced(ClusterState state, RunSpecId id) =>
        state.RunSpecs.GetValueOrDefault(id) switch
        {
            { Kind: RunSpecKind.Pod } => throw new ApiException(ApiErrors.InvalidObject(
                "/id", $"Applications and Pods may not have the same id: {id} is a pod")),
            var app => app,
        };

    public static RunSpec Version(ClusterState state, RunSpecId id, Timestamp version) =>
        state.Versions.TryGetValue(id, out var history) && history.TryGetValue(version, out var spec) && spec.Kind == RunSpecKind.App
            ? spec
            : throw new ApiException(ApiErrors.AppNotFound(id.Path, version.ToString()));

    /// <summary>All apps of a group, however deep. An unknown group is refused; the root always exists.</summary>
    public static IEnumerable<RunSpec> Group(ClusterState state, string path)
    {
        if (RunSpecPath.Resolve(path, "/", out _) is not { } group || !state.HasGroup(group))
        {
            throw new ApiException(ApiErrors.GroupNotFound(path));
        }
        return state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.App && spec.Id.IsInGroup(group));
    }
}
