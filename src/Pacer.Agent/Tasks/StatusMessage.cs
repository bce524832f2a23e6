using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>A snapshot in the words of the agent link.</summary>
internal static class StatusMessage
{
    public static StatusUpdate Of(TaskSnapshot task, string address)
    {
        var status = task.Status;
        var update = new StatusUpdate
        {
            TaskId = task.TaskId,
            Sequence = status.Sequence,
            State = status.State,
            Message = status.Message ?? "",
            Reason = status.Reason ?? "",
            TimestampMs = status.TimestampMs,
            ContainerId = task.ContainerId,
            Pid = task.Pid,
        };
        if (status.ExitCode is { } code)
        {
            update.ExitCode = code;
        }
        if (status.Signal is { } signal)
        {
            update.Signal = signal;
        }
        if (task.StartedAtMs > 0)
        {
            update.IpAddresses.Add(address);
        }
        foreach (var check in task.Health ?? [])
        {
            update.Health.Add(new HealthResult
            {
                Check = check.Check,
                Alive = check.Alive,
                ConsecutiveFailures = check.ConsecutiveFailures,
                FirstSuccessMs = check.FirstSuccessMs,
                LastSuccessMs = check.LastSuccessMs,
                LastFailureMs = check.LastFailureMs,
                LastFailureCause = check.LastFailureCause ?? "",
            });
        }
        return update;
    }
}
