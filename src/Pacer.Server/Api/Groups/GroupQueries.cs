using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Groups;

/// <summary>The reads. Each takes one snapshot and never enters the loop.</summary>
internal static class GroupQueries
{
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = 10_000, // ids may have thousands of segments
    };

    public static Task GetAsync(AppsContext context, HttpContext http, string path)
    {
        var id = GroupPath.OfUrl(path);
        var apps = AppEmbedsQuery.Parse(AppEmbeds(http));
        var now = context.Now;
        return SnapshotRead.AnswerAsync(http, context.Loop, state => state.HasGroup(id) ? Parts(state, apps) : null, state => state.HasGroup(id)
            ? WriteAsync(context, http, GroupTree.Current(state), id, spec => spec.Kind == RunSpecKind.Pod
                ? PodStatusRendering.Json(spec, state, now)
                : AppRendering.InfoJson(spec, state, apps, now))
            : throw new ApiException(ApiErrors.GroupNotFound(id)));
    }

    public static Task AppsAsync(AppsContext context, HttpContext http, string path)
    {
        var id = GroupPath.OfUrl(path);
        var embeds = AppEmbedsQuery.Parse(AppEmbeds(http));
        var now = context.Now;
        return SnapshotRead.AnswerAsync(http, context.Loop, state => Parts(state, embeds), state => ApiResponse.WriteBytesAsync(http, 200, Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var spec in state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.App && spec.Id.IsInGroup(id)))
            {
                writer.WriteRawValue(AppRendering.InfoJson(spec, state, embeds, now).Span, skipInputValidation: true);
            }
            writer.WriteEndArray();
        })));
    }

    public static Task VersionsAsync(AppsContext context, HttpContext http, string path)
    {
        var id = GroupPath.OfUrl(path);
        return SnapshotRead.AnswerAsync(http, context.Loop, state => Parts(state, Apps.AppEmbeds.None), state => WriteVersionsAsync(http, state, id));
    }

    private static Task WriteVersionsAsync(HttpContext http, ClusterState state, string id)
    {
        if (!state.HasGroup(id))
        {
            throw new ApiException(ApiErrors.GroupNotFound(id));
        }
        var versions = RootHistory.Versions(state).Where(root => root.HasGroup(id)).Select(root => root.Version.ToString()).ToList();
        return ApiResponse.WriteAsync(http, 200, versions, ClusterJson.Plain.ListString);
    }

    public static Task VersionAsync(AppsContext context, HttpContext http, string path, string version)
    {
        var id = GroupPath.OfUrl(path);
        var wanted = AppReader.ParseVersion(version);
        var state = context.Loop.State;
        var now = context.Now;
        var root = RootHistory.At(state, wanted);
        return root is null || !root.HasGroup(id)
            ? throw new ApiException(ApiErrors.GroupNotFound(id, wanted.ToString()))
            : WriteAsync(context, http, new GroupTree(root), id, spec => spec.Kind == RunSpecKind.Pod
                ? PodStatusRendering.Json(spec, state, now)
                : AppRendering.Json(spec));
    }

    // Pods of a group come with the status of their instances, so these count whatever is embedded.
    private static object?[]? Parts(ClusterState state, AppEmbeds embeds) =>
        AppQueries.PartsOfAll(state, embeds) is { } parts ? [.. parts, state.RootVersion.UnixMilliseconds, state.RootChanges] : null;

    // Only "group.apps.X" decorates: "group.apps" itself includes.
    private static IEnumerable<string?> AppEmbeds(HttpContext http) =>
        http.Request.Query["embed"].Where(value => value is not ("group.apps" or "group.groups" or "group.pods"));

    private static Task WriteAsync(
        AppsContext context, HttpContext http, GroupTree tree, string id, Func<RunSpec, ReadOnlyMemory<byte>> render)
    {
        var embeds = GroupEmbeds.Parse([.. http.Request.Query["embed"]]);
        return ApiResponse.WriteBytesAsync(http, 200, Write(writer => WriteGroup(writer, tree, id, embeds, context.Rules, render)));
    }

    private static void WriteGroup(
        Utf8JsonWriter writer, GroupTree tree, string id, GroupEmbeds embeds, AppRules rules, Func<RunSpec, ReadOnlyMemory<byte>> render)
    {
        var group = tree.Group(id);
        writer.WriteStartObject();
        writer.WriteString("id", id);
        if (embeds.Apps)
        {
            writer.WriteStartArray("apps");
            foreach (var spec in tree.RunSpecs(id).Where(spec => spec.Kind == RunSpecKind.App))
            {
                writer.WriteRawValue(render(spec).Span, skipInputValidation: true);
            }
            writer.WriteEndArray();
        }
        if (embeds.Pods)
        {
            writer.WriteStartArray("pods");
            foreach (var spec in tree.RunSpecs(id).Where(spec => spec.Kind == RunSpecKind.Pod))
            {
                writer.WriteRawValue(render(spec).Span, skipInputValidation: true);
            }
            writer.WriteEndArray();
        }
        if (embeds.Groups)
        {
            writer.WriteStartArray("groups");
            foreach (var child in tree.Groups(id))
            {
                WriteGroup(writer, tree, child, embeds, rules, render);
            }
            writer.WriteEndArray();
        }
        writer.WriteStartArray("dependencies");
        foreach (var dependency in group.Dependencies)
        {
            writer.WriteStringValue(dependency);
        }
        writer.WriteEndArray();
        writer.WriteString("version", group.Version.ToString());
        if (group.IsTopLevel)
        {
            writer.WriteBoolean("enforceRole", group.EnforceRole ?? rules.EnforceRoleOfNewGroups);
        }
        writer.WriteEndObject();
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            write(writer);
        }
        return buffer.WrittenMemory;
    }
}
