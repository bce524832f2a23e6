using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>Run specs as the API shows them. The definition's part is made once for each run spec object and copied from then on.</summary>
internal static class AppRendering
{
    private static readonly ConditionalWeakTable<RunSpec, RenderedApp> Rendered = [];

    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>The bare app as JSON: definition, instances, assigned service ports, version, versionInfo.</summary>
    public static ReadOnlyMemory<byte> Json(RunSpec spec) => Get(spec).Json;

    /// <summary>The app as an object, shared by all callers: read it only.</summary>
    public static App Read(RunSpec spec) => Get(spec).App;

    /// <summary>Answer to a creation: the app, its counts of 0 and its deployment; <c>versionInfo</c> is not part of it.</summary>
    public static ReadOnlyMemory<byte> CreatedJson(RunSpec spec, DeploymentId deployment)
    {
        var app = AppConversion.ToApp(spec);
        app.Version = spec.Version.ToString();
        var json = JsonSerializer.SerializeToUtf8Bytes(app, WireJson.Plain.App);
        var buffer = new ArrayBufferWriter<byte>(json.Length + 256);
        using var writer = new Utf8JsonWriter(buffer, Plain);
        buffer.Write(json.AsSpan()[..^1]);
        new TaskCounts().WriteMembers(buffer);
        WriteMember(buffer, writer, ",\"deployments\":"u8);
        WriteDeployments(writer, deployment);
        buffer.Write(Flushed(writer, "}"u8));
        return buffer.WrittenMemory;
    }

    /// <summary>The app with what <paramref name="embeds"/> asks for.</summary>
    public static ReadOnlyMemory<byte> InfoJson(RunSpec spec, ClusterState state, AppEmbeds embeds, Timestamp now)
    {
        if (embeds == AppEmbeds.None)
        {
            return Json(spec);
        }
        var buffer = new ArrayBufferWriter<byte>(Json(spec).Length + 512);
        using var writer = new Utf8JsonWriter(buffer, Plain);
        WriteInfo(buffer, writer, spec, state, embeds, now);
        return buffer.WrittenMemory;
    }

    /// <summary>Writes the app with what <paramref name="embeds"/> asks for.</summary>
    /// <param name="json">A writer into the same buffer, flushed; it is reset.</param>
    public static void WriteInfo(IBufferWriter<byte> buffer, Utf8JsonWriter json, RunSpec spec, ClusterState state, AppEmbeds embeds, Timestamp now)
    {
        if (embeds == AppEmbeds.None)
        {
            buffer.Write(Json(spec).Span);
            return;
        }
        // The definition is copied up to its closing brace; further members follow.
        buffer.Write(Json(spec).Span[..^1]);
        var instances = state.InstancesOf(spec.Id);
        if (embeds.HasFlag(AppEmbeds.Counts))
        {
            TaskCounting.CountOf(instances).WriteMembers(buffer);
        }
        if (embeds.HasFlag(AppEmbeds.Deployments))
        {
            WriteMember(buffer, json, ",\"deployments\":"u8);
            WriteDeployments(json, state.LockedBy.TryGetValue(spec.Id, out var deployment) ? deployment : null);
        }
        if (embeds.HasFlag(AppEmbeds.Readiness))
        {
            WriteMember(buffer, json, ",\"readinessCheckResults\":"u8);
            JsonSerializer.Serialize(json, CheckRendering.Readiness(state, spec.Id), WireJson.Plain.ListReadinessResult);
        }
        if (embeds.HasFlag(AppEmbeds.Tasks))
        {
            WriteMember(buffer, json, ",\"tasks\":"u8);
            json.WriteStartArray();
            foreach (var (_, instance) in instances)
            {
                TaskRendering.WriteListed(json, instance, spec.Id.Path);
            }
            json.WriteEndArray();
        }
        if (embeds.HasFlag(AppEmbeds.LastTaskFailure) && TaskRendering.RenderFailure(state, spec.Id) is { } failure)
        {
            WriteMember(buffer, json, ",\"lastTaskFailure\":"u8);
            JsonSerializer.Serialize(json, failure, WireJson.Plain.TaskFailureInfo);
        }
        if (embeds.HasFlag(AppEmbeds.TaskStats))
        {
            WriteMember(buffer, json, ",\"tasksStats\":"u8);
            JsonSerializer.Serialize(json, TaskCounting.Statistics(spec, [.. instances.Values], now), WireJson.Plain.TaskStatistics);
        }
        buffer.Write(Flushed(json, "}"u8));
    }

    /// <summary>Sends an object with one member: a list of apps.</summary>
    public static async Task SendListAsync(
        HttpContext http, byte[] member, IEnumerable<RunSpec> specs, ClusterState state, AppEmbeds embeds, Timestamp now)
    {
        await using var body = new JsonStream(http);
        body.Write("{\""u8);
        body.Write(member);
        body.Write("\":["u8);
        var isFirst = true;
        foreach (var spec in specs)
        {
            if (!isFirst)
            {
                body.Write(","u8);
            }
            isFirst = false;
            WriteInfo(body, body.Json, spec, state, embeds, now);
            await body.SendIfFullAsync();
        }
        body.Write("]}"u8);
        await body.EndAsync();
    }

    /// <summary>Sends an object with one member: the app.</summary>
    public static async Task SendAsync(HttpContext http, RunSpec spec, ClusterState state, AppEmbeds embeds, Timestamp now)
    {
        await using var body = new JsonStream(http);
        body.Write("{\"app\":"u8);
        WriteInfo(body, body.Json, spec, state, embeds, now);
        body.Write("}"u8);
        await body.EndAsync();
    }

    private static RenderedApp Get(RunSpec spec) => Rendered.GetValue(spec, static s => new RenderedApp(s));

    // Members are put behind one another as bytes; the writer only makes their values.
    private static void WriteMember(IBufferWriter<byte> buffer, Utf8JsonWriter json, ReadOnlySpan<byte> nameAndColon)
    {
        buffer.Write(Flushed(json, nameAndColon));
        json.Reset();
    }

    private static ReadOnlySpan<byte> Flushed(Utf8JsonWriter json, ReadOnlySpan<byte> next)
    {
        json.Flush();
        return next;
    }

    private static void WriteDeployments(Utf8JsonWriter writer, DeploymentId? deployment)
    {
        writer.WriteStartArray();
        if (deployment is { } id)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id.Value);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private sealed class RenderedApp
    {
        public RenderedApp(RunSpec spec)
        {
            App = AppConversion.ToApp(spec);
            App.Version = spec.Version.ToString();
            App.VersionInfo = new VersionInfo
            {
                LastScalingAt = spec.LastScalingAt.ToString(),
                LastConfigChangeAt = spec.LastConfigChangeAt.ToString(),
            };
            Json = JsonSerializer.SerializeToUtf8Bytes(App, WireJson.Plain.App);
        }

        public App App { get; }

        public byte[] Json { get; }
    }
}
