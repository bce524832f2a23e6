using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

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
        return Append(json, writer =>
        {
            WriteCounts(writer, new TaskCounts());
            WriteDeployments(writer, deployment);
        });
    }

    /// <summary>The app with what <paramref name="embeds"/> asks for.</summary>
    public static ReadOnlyMemory<byte> InfoJson(RunSpec spec, ClusterState state, AppEmbeds embeds, Timestamp now)
    {
        if (embeds == AppEmbeds.None)
        {
            return Json(spec);
        }
        var instances = state.InstancesOf(spec.Id);
        return Append(Json(spec), writer =>
        {
            if (embeds.HasFlag(AppEmbeds.Counts))
            {
                WriteCounts(writer, TaskCounting.Count(instances.Values));
            }
            if (embeds.HasFlag(AppEmbeds.Deployments))
            {
                WriteDeployments(writer, state.LockedBy.TryGetValue(spec.Id, out var deployment) ? deployment : null);
            }
            if (embeds.HasFlag(AppEmbeds.Readiness))
            {
                // Readiness checks are not run, so there never is a result.
                writer.WriteStartArray("readinessCheckResults");
                writer.WriteEndArray();
            }
            if (embeds.HasFlag(AppEmbeds.Tasks))
            {
                writer.WriteStartArray("tasks");
                foreach (var instance in instances.Values.Where(TaskRendering.IsListed))
                {
                    foreach (var task in instance.Tasks)
                    {
                        JsonSerializer.Serialize(writer, TaskRendering.Render(instance, task), WireJson.Plain.AppTask);
                    }
                }
                writer.WriteEndArray();
            }
            if (embeds.HasFlag(AppEmbeds.LastTaskFailure) && TaskRendering.RenderFailure(state, spec.Id) is { } failure)
            {
                writer.WritePropertyName("lastTaskFailure");
                JsonSerializer.Serialize(writer, failure, WireJson.Plain.TaskFailureInfo);
            }
            if (embeds.HasFlag(AppEmbeds.TaskStats))
            {
                writer.WritePropertyName("tasksStats");
                JsonSerializer.Serialize(writer, TaskCounting.Statistics(spec, [.. instances.Values], now), WireJson.Plain.TaskStatistics);
            }
        });
    }

    /// <summary>An object with one member: a list of the apps.</summary>
    public static ReadOnlyMemory<byte> ListJson(string member, IEnumerable<ReadOnlyMemory<byte>> apps)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var writer = new Utf8JsonWriter(buffer, Plain);
        writer.WriteStartObject();
        writer.WriteStartArray(member);
        foreach (var app in apps)
        {
            writer.WriteRawValue(app.Span, skipInputValidation: true);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>An object with one member: the app.</summary>
    public static ReadOnlyMemory<byte> SingleJson(ReadOnlyMemory<byte> app)
    {
        var buffer = new ArrayBufferWriter<byte>(app.Length + 16);
        buffer.Write("{\"app\":"u8);
        buffer.Write(app.Span);
        buffer.Write("}"u8);
        return buffer.WrittenMemory;
    }

    private static RenderedApp Get(RunSpec spec) => Rendered.GetValue(spec, static s => new RenderedApp(s));

    private static void WriteCounts(Utf8JsonWriter writer, TaskCounts counts)
    {
        writer.WriteNumber("tasksStaged", counts.Staged);
        writer.WriteNumber("tasksRunning", counts.Running);
        writer.WriteNumber("tasksHealthy", counts.Healthy);
        writer.WriteNumber("tasksUnhealthy", counts.Unhealthy);
    }

    private static void WriteDeployments(Utf8JsonWriter writer, DeploymentId? deployment)
    {
        writer.WriteStartArray("deployments");
        if (deployment is { } id)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id.Value);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    // Adds members to an object that is JSON already.
    private static ReadOnlyMemory<byte> Append(ReadOnlyMemory<byte> json, Action<Utf8JsonWriter> write)
    {
        var members = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(members, Plain))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        if (members.WrittenCount == 2)
        {
            return json;
        }
        var buffer = new ArrayBufferWriter<byte>(json.Length + members.WrittenCount);
        buffer.Write(json.Span[..^1]);
        buffer.Write(","u8);
        buffer.Write(members.WrittenSpan[1..]);
        return buffer.WrittenMemory;
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
