using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>Tasks as the API lists them (marathon-api.md §6).</summary>
internal static class TaskRendering
{
    /// <summary>Whether the instance is listed at all: it has a node and was launched.</summary>
    public static bool IsListed(Instance instance) => instance is { Placement: not null, Tasks.Count: > 0 };

    /// <summary>All tasks of the instances that are listed.</summary>
    public static List<AppTask> RenderAll(IEnumerable<Instance> instances, RunSpec? spec = null) =>
        [.. instances.Where(IsListed).SelectMany(instance => instance.Tasks.Select(task => Render(instance, task, spec)))];

    /// <summary>Writes the instance's tasks as elements of an array, if it is listed.</summary>
    public static void WriteListed(Utf8JsonWriter json, Instance instance, string appId, RunSpec? servicePortsOf = null)
    {
        if (!IsListed(instance))
        {
            return;
        }
        foreach (var task in instance.Tasks)
        {
            TaskJson.Write(json, instance, task, appId, servicePortsOf);
        }
    }

    /// <summary>Sends <c>{"tasks":[...]}</c> of those instances of the apps that are listed.</summary>
    public static async Task SendListAsync(
        HttpContext http, ClusterState state, IEnumerable<RunSpec> apps, bool withServicePorts, Func<Instance, bool>? isWanted = null)
    {
        await using var body = new JsonStream(http);
        body.Json.WriteStartObject();
        body.Json.WriteStartArray("tasks"u8);
        foreach (var app in apps)
        {
            foreach (var (_, instance) in state.InstancesOf(app.Id))
            {
                if (isWanted is null || isWanted(instance))
                {
                    WriteListed(body.Json, instance, app.Id.Path, withServicePorts ? app : null);
                    await body.SendIfFullAsync();
                }
            }
        }
        body.Json.WriteEndArray();
        body.Json.WriteEndObject();
        body.Json.Flush();
        await body.EndAsync();
    }

    /// <param name="spec">Its service ports are shown; null: none are.</param>
    public static AppTask Render(Instance instance, TaskInfo task, RunSpec? spec = null)
    {
        var isTerminal = task.Condition.IsTerminal();
        return new AppTask
        {
            Id = task.Id.Value,
            AppId = instance.RunSpecId.Path,
            Host = instance.Placement?.Hostname ?? "",
            SlaveId = instance.Placement?.AgentId.Value,
            State = task.Condition.ToMesosState(),
            StagedAt = isTerminal ? null : task.StagedAt.ToString(),
            StartedAt = isTerminal ? null : task.StartedAt?.ToString(),
            Version = isTerminal ? null : instance.RunSpecVersion.ToString(),
            Ports = isTerminal ? [] : [.. instance.Placement?.HostPorts ?? []],
            ServicePorts = [.. spec?.Ports.Select(port => port.ServicePort) ?? []],
            IpAddresses = [.. task.IpAddresses.Select(address =>
                new TaskIpAddress { IpAddress = address, Protocol = address.Contains(':') ? "IPv6" : "IPv4" })],
            HealthCheckResults = [.. task.Health.Select(result => Render(instance, result))],
            CheckResult = CheckRendering.Render(task.Check),
            LocalVolumes = Volumes(instance),
            Region = instance.Placement?.Region,
            Zone = instance.Placement?.Zone,
            Role = instance.Role,
        };
    }

    /// <summary>The persistent volumes of an instance.</summary>
    public static List<Contracts.Wire.LocalVolume> Volumes(Instance instance) =>
    [
        .. instance.Volumes.Select(volume => new Contracts.Wire.LocalVolume
        {
            RunSpecId = instance.RunSpecId.Path,
            ContainerPath = volume.Name,
            Uuid = volume.Uuid,
            PersistenceId = volume.Id,
        }),
    ];

    /// <summary>Body <c>lastTaskFailure</c>; null when nothing failed.</summary>
    public static TaskFailureInfo? RenderFailure(ClusterState state, RunSpecId id) =>
        state.TaskFailures.TryGetValue(id, out var failure)
            ? new TaskFailureInfo
            {
                AppId = failure.RunSpecId.Path,
                Host = failure.Host ?? "",
                Message = failure.Message,
                State = failure.State,
                TaskId = failure.TaskId.Value,
                Timestamp = failure.At.ToString(),
                Version = failure.Version.ToString(),
                SlaveId = failure.AgentId?.Value,
            }
            : null;

    private static HealthInfo Render(Instance instance, HealthResult result) => new()
    {
        Alive = result.Alive,
        ConsecutiveFailures = result.ConsecutiveFailures,
        FirstSuccess = result.FirstSuccess?.ToString(),
        LastSuccess = result.LastSuccess?.ToString(),
        LastFailure = result.LastFailure?.ToString(),
        LastFailureCause = result.LastFailureCause,
        InstanceId = instance.Id.Value,
    };
}
