using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Pods;

/// <summary>The reads. Each takes one snapshot and never enters the loop.</summary>
internal static class PodQueries
{
    public static Task ListAsync(AppsContext context, HttpContext http) =>
        ApiResponse.WriteAsync(http, 200, [.. All(context.Loop.State).Select(PodRendering.Read)], WireJson.Plain.ListPod);

    public static Task GetAsync(AppsContext context, HttpContext http, string path) =>
        PodLookup.Find(context.Loop.State, PodLookup.Id(path)) is { } spec
            ? ApiResponse.WriteBytesAsync(http, 200, PodRendering.Json(spec))
            : throw new ApiException(ApiErrors.PodNotFoundAsText(path));

    public static Task StatusesAsync(AppsContext context, HttpContext http)
    {
        var state = context.Loop.State;
        var now = context.Now;
        return ApiResponse.WriteAsync(
            http, 200, [.. All(state).Select(spec => PodStatusRendering.Of(spec, state, now))], WireJson.Plain.ListPodStatus);
    }

    public static Task StatusAsync(AppsContext context, HttpContext http, string path)
    {
        var state = context.Loop.State;
        return ApiResponse.WriteBytesAsync(http, 200, PodStatusRendering.Json(PodLookup.Pod(state, path), state, context.Now));
    }

    public static Task VersionsAsync(AppsContext context, HttpContext http, string path)
    {
        var state = context.Loop.State;
        var spec = PodLookup.Pod(state, path);
        var versions = state.Versions.TryGetValue(spec.Id, out var history)
            ? history.Keys.Reverse().Select(version => version.ToString()).ToList()
            : [spec.Version.ToString()];
        return ApiResponse.WriteAsync(http, 200, versions, ClusterJson.Plain.ListString);
    }

    public static Task VersionAsync(AppsContext context, HttpContext http, string path, string version)
    {
        var state = context.Loop.State;
        var spec = PodLookup.Pod(state, path);
        var wanted = AppReader.ParseVersion(version);
        return state.Versions.TryGetValue(spec.Id, out var history) && history.TryGetValue(wanted, out var stored) && stored.Kind == RunSpecKind.Pod
            ? ApiResponse.WriteBytesAsync(http, 200, PodRendering.Json(stored))
            : throw new ApiException(ApiErrors.PodNotFound(spec.Id.Path, wanted.ToString()));
    }

    private static IEnumerable<RunSpec> All(ClusterState state) => state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.Pod);
}
