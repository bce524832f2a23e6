using System.Buffers;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;

namespace Pacer.Server.Events;

/// <summary>Marathon's JSON of each event (one line, as an SSE data field must be).</summary>
internal static class EventJson
{
    /// <summary>Type name and members of an event, written into <paramref name="buffer"/>; returns the type name.</summary>
    public static string Write(ArrayBufferWriter<byte> buffer, ClusterEvent clusterEvent)
    {
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        var type = WriteMembers(json, clusterEvent);
        json.WriteString("eventType"u8, type);
        json.WriteString("timestamp"u8, clusterEvent.At.ToString());
        json.WriteEndObject();
        return type;
    }

    private static string WriteMembers(Utf8JsonWriter json, ClusterEvent clusterEvent)
    {
        switch (clusterEvent)
        {
            case ClusterEvent.GroupChanged e:
                json.WriteString("groupId"u8, e.GroupId);
                json.WriteString("version"u8, e.Version.ToString());
                return "group_change_success";
            case ClusterEvent.GroupChangeFailed e:
                json.WriteString("groupId"u8, e.GroupId);
                json.WriteString("version"u8, e.Version.ToString());
                json.WriteString("reason"u8, e.Reason);
                return "group_change_failed";
            case ClusterEvent.DeploymentInfo e:
                return WriteProgress(json, e.Deployment, "deployment_info");
            case ClusterEvent.DeploymentStepSucceeded e:
                return WriteProgress(json, e.Deployment, "deployment_step_success");
            case ClusterEvent.DeploymentSucceeded e:
                json.WriteString("id"u8, e.Deployment.Id.Value);
                WritePlan(json, e.Deployment);
                return "deployment_success";
            case ClusterEvent.DeploymentFailed e:
                json.WriteString("id"u8, e.Deployment.Id.Value);
                WritePlan(json, e.Deployment);
                json.WriteString("reason"u8, e.Reason);
                return "deployment_failed";
            case ClusterEvent.AppTerminated e:
                json.WriteString("appId"u8, e.Id.Path);
                return "app_terminated_event";
            case ClusterEvent.InstanceChanged e:
                json.WriteString("instanceId"u8, e.Instance.Id.Value);
                json.WriteString("condition"u8, e.Instance.Condition.ToString());
                json.WriteString("runSpecId"u8, e.Instance.RunSpecId.Path);
                json.WriteString("agentId"u8, e.Instance.Placement?.AgentId.Value);
                json.WriteString("host"u8, e.Instance.Placement?.Hostname);
                json.WriteString("runSpecVersion"u8, e.Instance.RunSpecVersion.ToString());
                return "instance_changed_event";
            case ClusterEvent.InstanceHealthChanged e:
                json.WriteString("instanceId"u8, e.Instance.Id.Value);
                json.WriteString("runSpecId"u8, e.Instance.RunSpecId.Path);
                WriteHealthy(json, e.Instance.Healthy);
                json.WriteString("runSpecVersion"u8, e.Instance.RunSpecVersion.ToString());
                return "instance_health_changed_event";
            case ClusterEvent.UnhealthyKillHeld e:
                json.WriteString("appId"u8, e.Instance.RunSpecId.Path);
                json.WriteString("instanceId"u8, e.Instance.Id.Value);
                json.WriteString("version"u8, e.Instance.RunSpecVersion.ToString());
                json.WriteString("reason"u8, e.Reason);
                json.WriteNumber("unhealthy"u8, e.Unhealthy);
                json.WriteNumber("instances"u8, e.Instances);
                return "unhealthy_instance_kill_held_event";
            case ClusterEvent.StatusUpdated e:
                WriteStatus(json, e.Instance, e.Task);
                return "status_update_event";
            case ClusterEvent.UnknownInstanceTerminated e:
                json.WriteString("instanceId"u8, e.InstanceId.Value);
                json.WriteString("runSpecId"u8, e.InstanceId.RunSpecId.Path);
                json.WriteString("condition"u8, e.Condition.ToString());
                return "unknown_instance_terminated_event";
            case ClusterEvent.HealthCheckAdded e:
                json.WriteString("appId"u8, e.RunSpec.Id.Path);
                json.WriteString("version"u8, e.RunSpec.Version.ToString());
                json.WritePropertyName("healthCheck"u8);
                JsonSerializer.Serialize(json, AppConversion.ToApp(e.RunSpec).HealthChecks?.ElementAtOrDefault(e.Check), WireJson.Plain.HealthCheck);
                return "add_health_check_event";
            case ClusterEvent.HealthCheckRemoved e:
                json.WriteString("appId"u8, e.Id.Path);
                return "remove_health_check_event";
            case ClusterEvent.HealthCheckFailed e:
                json.WriteString("appId"u8, e.Instance.RunSpecId.Path);
                json.WriteString("taskId"u8, e.Instance.Id.Value); // an instance id under this name, as in Marathon
                json.WritePropertyName("healthCheck"u8);
                WriteHealthCheck(json, e);
                return "failed_health_check_event";
            case ClusterEvent.HealthStatusChanged e:
                json.WriteString("appId"u8, e.Instance.RunSpecId.Path);
                json.WriteString("instanceId"u8, e.Instance.Id.Value);
                json.WriteString("version"u8, e.Instance.RunSpecVersion.ToString());
                json.WriteBoolean("alive"u8, e.Alive);
                return "health_status_changed_event";
            case ClusterEvent.UnhealthyInstanceKilled e:
                json.WriteString("appId"u8, e.Instance.RunSpecId.Path);
                json.WriteString("taskId"u8, e.TaskId.Value);
                json.WriteString("instanceId"u8, e.Instance.Id.Value);
                json.WriteString("version"u8, e.Instance.RunSpecVersion.ToString());
                json.WriteString("reason"u8, e.Reason);
                json.WriteString("host"u8, e.Instance.Placement?.Hostname);
                json.WriteString("slaveId"u8, e.Instance.Placement?.AgentId.Value);
                return "unhealthy_instance_kill_event";
            case ClusterEvent.AgentChanged e:
                json.WriteString("nodeId"u8, e.Node.Id.Value);
                json.WriteString("hostname"u8, e.Node.Hostname);
                json.WriteString("state"u8, e.Node.Lost ? "lost" : e.Node.Connected ? "connected" : "disconnected");
                return "node_changed_event";
            default:
                throw new InvalidOperationException($"No JSON is defined for {clusterEvent.GetType().Name}.");
        }
    }

    private static void WriteHealthCheck(Utf8JsonWriter json, ClusterEvent.HealthCheckFailed e)
    {
        if (e.RunSpec.Kind == RunSpecKind.Pod)
        {
            JsonSerializer.Serialize(
                json, PodRendering.Read(e.RunSpec).Containers!.FirstOrDefault(c => c.Name == e.Container)?.HealthCheck, WireJson.Plain.PodHealthCheck);
            return;
        }
        JsonSerializer.Serialize(json, AppRendering.Read(e.RunSpec).HealthChecks?.ElementAtOrDefault(e.Check), WireJson.Plain.HealthCheck);
    }

    private static void WriteStatus(Utf8JsonWriter json, Instance instance, TaskInfo task)
    {
        json.WriteString("slaveId"u8, instance.Placement?.AgentId.Value ?? "");
        json.WriteString("taskId"u8, task.Id.Value);
        json.WriteString("taskStatus"u8, task.Condition.ToMesosState());
        json.WriteString("message"u8, task.Message ?? "");
        json.WriteString("appId"u8, instance.RunSpecId.Path);
        json.WriteString("host"u8, instance.Placement?.Hostname ?? "");
        json.WriteStartArray("ipAddresses"u8);
        foreach (var address in task.IpAddresses)
        {
            json.WriteStartObject();
            json.WriteString("ipAddress"u8, address);
            json.WriteString("protocol"u8, address.Contains(':') ? "IPv6"u8 : "IPv4"u8);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("ports"u8);
        foreach (var port in instance.Placement?.HostPorts ?? [])
        {
            json.WriteNumberValue(port);
        }
        json.WriteEndArray();
        json.WriteString("version"u8, instance.RunSpecVersion.ToString());
    }

    private static string WriteProgress(Utf8JsonWriter json, Deployment deployment, string type)
    {
        WritePlan(json, deployment);
        json.WriteStartObject("currentStep"u8);
        WriteActions(json, deployment.Current?.Actions ?? []);
        json.WriteEndObject();
        return type;
    }

    private static void WritePlan(Utf8JsonWriter json, Deployment deployment)
    {
        json.WriteStartObject("plan"u8);
        json.WriteString("id"u8, deployment.Id.Value);
        json.WriteStartArray("steps"u8);
        foreach (var step in deployment.Steps)
        {
            json.WriteStartObject();
            WriteActions(json, step.Actions);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("version"u8, deployment.Version.ToString());
        json.WriteEndObject();
    }

    private static void WriteActions(Utf8JsonWriter json, ValueList<DeploymentAction> actions)
    {
        json.WriteStartArray("actions"u8);
        foreach (var action in actions)
        {
            json.WriteStartObject();
            json.WriteString("action"u8, DeploymentActionNames.Of(action));
            json.WriteString(action.RunSpecKind == RunSpecKind.Pod ? "pod"u8 : "app"u8, action.RunSpecId.Path);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteHealthy(Utf8JsonWriter json, bool? healthy)
    {
        if (healthy is { } known)
        {
            json.WriteBoolean("healthy"u8, known);
        }
        else
        {
            json.WriteNull("healthy"u8);
        }
    }
}
