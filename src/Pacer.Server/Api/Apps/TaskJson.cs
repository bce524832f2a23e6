using System.Globalization;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// What <see cref="TaskRendering.Render(Instance, TaskInfo, RunSpec?)"/> shows, written without an object in between: a list may hold a
/// hundred thousand tasks. A test holds both against each other.
/// </summary>
internal static class TaskJson
{
    /// <param name="appId">The path of the instance's run spec, which would have to be taken out of its id.</param>
    public static void Write(Utf8JsonWriter json, Instance instance, TaskInfo task, string appId, RunSpec? servicePortsOf)
    {
        var isTerminal = task.Condition.IsTerminal();
        json.WriteStartObject();
        json.WriteString("id"u8, task.Id.Value);
        json.WriteString("appId"u8, appId);
        json.WriteString("host"u8, instance.Placement?.Hostname ?? "");
        WriteText(json, "slaveId"u8, instance.Placement?.AgentId.Value);
        json.WriteString("state"u8, task.Condition.ToMesosState());
        if (!isTerminal)
        {
            WriteMoment(json, "stagedAt"u8, task.StagedAt);
            WriteMoment(json, "startedAt"u8, task.StartedAt);
            WriteMoment(json, "version"u8, instance.RunSpecVersion);
        }
        json.WriteStartArray("ports"u8);
        if (!isTerminal && instance.Placement is { } placement)
        {
            foreach (var port in placement.HostPorts.AsSpan())
            {
                json.WriteNumberValue(port);
            }
        }
        json.WriteEndArray();
        json.WriteStartArray("servicePorts"u8);
        if (servicePortsOf is not null)
        {
            foreach (var port in servicePortsOf.Ports.AsSpan())
            {
                json.WriteNumberValue(port.ServicePort);
            }
        }
        json.WriteEndArray();
        WriteAddresses(json, task);
        WriteHealth(json, instance, task);
        if (CheckRendering.Render(task.Check) is { } check)
        {
            json.WritePropertyName("checkResult"u8);
            JsonSerializer.Serialize(json, check, WireJson.Plain.CheckResultInfo);
        }
        json.WriteStartArray("localVolumes"u8);
        foreach (var volume in instance.Volumes.AsSpan())
        {
            json.WriteStartObject();
            json.WriteString("runSpecId"u8, instance.RunSpecId.Path);
            json.WriteString("containerPath"u8, volume.Name);
            json.WriteString("uuid"u8, volume.Uuid);
            json.WriteString("persistenceId"u8, volume.Id);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteText(json, "region"u8, instance.Placement?.Region);
        WriteText(json, "zone"u8, instance.Placement?.Zone);
        WriteText(json, "role"u8, instance.Role);
        json.WriteEndObject();
    }

    private static void WriteAddresses(Utf8JsonWriter json, TaskInfo task)
    {
        json.WriteStartArray("ipAddresses"u8);
        foreach (var address in task.IpAddresses.AsSpan())
        {
            json.WriteStartObject();
            json.WriteString("ipAddress"u8, address);
            json.WriteString("protocol"u8, address.Contains(':') ? "IPv6"u8 : "IPv4"u8);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteHealth(Utf8JsonWriter json, Instance instance, TaskInfo task)
    {
        json.WriteStartArray("healthCheckResults"u8);
        foreach (var result in task.Health.AsSpan())
        {
            json.WriteStartObject();
            json.WriteBoolean("alive"u8, result.Alive);
            json.WriteNumber("consecutiveFailures"u8, result.ConsecutiveFailures);
            WriteMoment(json, "firstSuccess"u8, result.FirstSuccess);
            WriteMoment(json, "lastSuccess"u8, result.LastSuccess);
            WriteMoment(json, "lastFailure"u8, result.LastFailure);
            WriteText(json, "lastFailureCause"u8, result.LastFailureCause);
            json.WriteString("instanceId"u8, instance.Id.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    // The layout of Timestamp.ToString, without the string.
    private static void WriteMoment(Utf8JsonWriter json, ReadOnlySpan<byte> name, Timestamp? moment)
    {
        if (moment is not { } at)
        {
            return;
        }
        Span<byte> text = stackalloc byte[32];
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(at.UnixMilliseconds, 0, 253402300799999)).UtcDateTime
            .TryFormat(text, out var length, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        json.WriteString(name, text[..length]);
    }
}
