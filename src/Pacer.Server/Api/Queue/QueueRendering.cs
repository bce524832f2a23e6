using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;

namespace Pacer.Server.Api.Queue;

/// <summary>The launch queue as JSON (marathon-api.md §7): an item for each run spec and role with instances on their way to a node.</summary>
internal static class QueueRendering
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Render(ClusterState state, Timestamp now, bool withOffers, ClusterSettings? settings = null)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, Plain);
        json.WriteStartObject();
        json.WriteStartArray("queue"u8);
        foreach (var spec in state.RunSpecs.Values)
        {
            var waiting = state.InstancesOf(spec.Id).Values
                .Where(instance => instance.IsScheduled || (instance.Goal == Goal.Running && instance.Condition == Condition.Provisioned));
            foreach (var byRole in waiting.GroupBy(instance => instance.Role, StringComparer.Ordinal))
            {
                WriteItem(json, state, spec, byRole.Key, [.. byRole], now, withOffers, settings);
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static void WriteItem(
        Utf8JsonWriter json, ClusterState state, RunSpec spec, string role, List<Instance> waiting, Timestamp now, bool withOffers,
        ClusterSettings? settings)
    {
        json.WriteStartObject();
        json.WriteNumber("count"u8, waiting.Count);
        json.WriteString("role"u8, role);
        WriteDelay(json, state.LaunchDelays.GetValueOrDefault(spec.Id), spec, now);
        json.WriteString("since"u8, waiting.Select(instance => instance.ScheduledAt).Min().ToString());
        var explanation = Orchestrator.Explain(state, spec, settings);
        json.WritePropertyName("processedOffersSummary"u8);
        JsonSerializer.Serialize(json, OfferSummary.Of(explanation, now), ClusterJson.Plain.ProcessedOffersSummary);
        if (withOffers)
        {
            json.WritePropertyName("lastUnusedOffers"u8);
            JsonSerializer.Serialize(json, OfferSummary.Offers(state, explanation, now), ClusterJson.Plain.ListUnusedOffer);
        }
        json.WritePropertyName(spec.Kind == RunSpecKind.Pod ? "pod"u8 : "app"u8);
        json.WriteRawValue(
            (spec.Kind == RunSpecKind.Pod ? PodRendering.Json(spec) : AppRendering.Json(spec)).Span, skipInputValidation: true);
        json.WriteEndObject();
    }

    private static void WriteDelay(Utf8JsonWriter json, LaunchDelay? delay, RunSpec spec, Timestamp now)
    {
        // A delay of an older configuration holds nothing back.
        var holds = delay is { Released: false } && delay.ConfigVersion == spec.LastConfigChangeAt && delay.Until > now;
        json.WriteStartObject("delay"u8);
        json.WriteNumber("timeLeftSeconds"u8, holds ? (long)(delay!.Until - now).TotalSeconds : 0);
        json.WriteBoolean("overdue"u8, !holds);
        json.WriteEndObject();
    }
}
