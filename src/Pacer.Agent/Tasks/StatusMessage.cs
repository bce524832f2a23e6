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
        if (status.ExitCode is { } exitCode)
        {
            update.ExitCode = exitCode;
        }
        if (status.Signal is { } signal)
        {
            update.Signal = signal;
        }
        if (task.StartedAtMs > 0)
        {
            update.IpAddresses.AddRange(task.Addresses ?? [address]);
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
                KillCause = check.KillCause ?? "",
                FailsTask = check.FailsTask,
            });
        }
        foreach (var readiness in task.Readiness ?? [])
        {
            update.Readiness.Add(new ReadinessResult
            {
                Name = readiness.Name,
                Ready = readiness.Ready,
                LastResponse = readiness.Status is { } code
                    ? new HttpResponse { Status = code, ContentType = readiness.ContentType ?? "", Body = readiness.Body ?? "" }
                    : null,
            });
        }
        if (!status.IsTerminal)
        {
            update.Check = task.Check switch
            {
                { HttpStatus: { } http } => new CheckResult { HttpStatus = http },
                { TcpSucceeded: { } succeeded } => new CheckResult { TcpSucceeded = succeeded },
                { ExitCode: { } exit } => new CheckResult { ExitCode = exit },
                _ => null,
            };
        }
        return update;
    }
}
