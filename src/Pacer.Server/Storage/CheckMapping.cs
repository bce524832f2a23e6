using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

/// <summary>Results of health, readiness and generic checks.</summary>
internal static class CheckMapping
{
    public static HealthRecord ToRecord(HealthResult health)
    {
        var record = new HealthRecord { Check = health.Check, Alive = health.Alive, ConsecutiveFailures = health.ConsecutiveFailures };
        if (health.FirstSuccess is { } firstSuccess)
        {
            record.FirstSuccess = firstSuccess.UnixMilliseconds;
        }
        if (health.LastSuccess is { } lastSuccess)
        {
            record.LastSuccess = lastSuccess.UnixMilliseconds;
        }
        if (health.LastFailure is { } lastFailure)
        {
            record.LastFailure = lastFailure.UnixMilliseconds;
        }
        if (health.LastFailureCause is { } cause)
        {
            record.LastFailureCause = cause;
        }
        if (health.KillCause is { } killCause)
        {
            record.KillCause = killCause;
        }
        record.FailsTask = health.FailsTask;
        return record;
    }

    public static HealthResult ToModel(HealthRecord record) => new(
        record.Check,
        record.Alive,
        record.ConsecutiveFailures,
        RecordValues.Moment(record.HasFirstSuccess, record.FirstSuccess),
        RecordValues.Moment(record.HasLastSuccess, record.LastSuccess),
        RecordValues.Moment(record.HasLastFailure, record.LastFailure),
        record.HasLastFailureCause ? record.LastFailureCause : null)
    {
        KillCause = record.HasKillCause ? record.KillCause : null,
        FailsTask = record.FailsTask,
    };

    public static ReadinessRecord ToRecord(ReadinessResult result) => new()
    {
        Name = result.Name,
        Ready = result.Ready,
        LastResponse = result.LastResponse is { } last
            ? new HttpResponseRecord { Status = last.Status, ContentType = last.ContentType, Body = last.Body }
            : null,
    };

    public static ReadinessResult ToModel(ReadinessRecord record) => new(
        record.Name,
        record.Ready,
        record.LastResponse is { } last ? new ReadinessResponse(last.Status, last.ContentType, last.Body) : null);

    public static CheckRecord? ToRecord(CheckResult? result) => result switch
    {
        CheckResult.Http http => new CheckRecord { HttpStatus = http.StatusCode },
        CheckResult.Tcp tcp => new CheckRecord { TcpSucceeded = tcp.Succeeded },
        CheckResult.Command command => new CheckRecord { ExitCode = command.ExitCode },
        _ => null,
    };

    public static CheckResult? ToModel(CheckRecord? record) => record?.KindCase switch
    {
        CheckRecord.KindOneofCase.HttpStatus => new CheckResult.Http(record.HttpStatus),
        CheckRecord.KindOneofCase.TcpSucceeded => new CheckResult.Tcp(record.TcpSucceeded),
        CheckRecord.KindOneofCase.ExitCode => new CheckResult.Command(record.ExitCode),
        _ => null,
    };
}
