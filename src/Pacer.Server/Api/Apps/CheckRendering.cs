using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Apps;

/// <summary>What readiness checks and generic checks found, as the API shows it.</summary>
internal static class CheckRendering
{
    /// <summary>Results of the instances that a deployment brings up; nothing is shown without a deployment.</summary>
    public static List<Contracts.Wire.ReadinessResult> Readiness(ClusterState state, RunSpecId id)
    {
        if (!state.RunSpecs.TryGetValue(id, out var spec) || !spec.HasReadinessCheck || !state.LockedBy.ContainsKey(id))
        {
            return [];
        }
        return
        [
            .. state.InstancesOf(id).Values
                .Where(instance => instance.ConfigVersion == spec.LastConfigChangeAt && instance.IsActive)
                .SelectMany(instance => instance.Tasks)
                .SelectMany(task => task.Readiness.Select(result => Render(task, result))),
        ];
    }

    public static CheckResultInfo? Render(CheckResult? result) => result switch
    {
        CheckResult.Http http => new() { Http = new HttpCheckResult { StatusCode = http.StatusCode } },
        CheckResult.Tcp tcp => new() { Tcp = new TcpCheckResult { Succeeded = tcp.Succeeded } },
        CheckResult.Command command => new() { Command = new CommandCheckResult { ExitCode = command.ExitCode } },
        _ => null,
    };

    private static Contracts.Wire.ReadinessResult Render(TaskInfo task, Core.Model.ReadinessResult result) => new()
    {
        Name = result.Name,
        TaskId = task.Id.Value,
        Ready = result.Ready,
        LastResponse = result.LastResponse is { } last
            ? new Contracts.Wire.ReadinessResponse { Status = last.Status, ContentType = last.ContentType, Body = last.Body }
            : null,
    };
}
