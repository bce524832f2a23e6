using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>Reports of tasks as items of a recording.</summary>
internal static class ReportCodec
{
    public static TaskReportItem Encode(TaskReport report)
    {
        var item = new TaskReportItem
        {
            TaskId = report.TaskId.Value,
            Sequence = report.Sequence,
            Condition = (int)report.Condition,
            At = report.At.UnixMilliseconds,
            Check = CheckMapping.ToRecord(report.Check),
        };
        item.IpAddresses.AddRange(report.IpAddresses);
        item.Health.AddRange(report.Health.Select(CheckMapping.ToRecord));
        item.Readiness.AddRange(report.Readiness.Select(CheckMapping.ToRecord));
        if (report.Message is { } message)
        {
            item.Message = message;
        }
        if (report.Reason is { } reason)
        {
            item.Reason = reason;
        }
        if (report.ExitCode is { } exitCode)
        {
            item.ExitCode = exitCode;
        }
        if (report.Signal is { } signal)
        {
            item.Signal = signal;
        }
        return item;
    }

    public static TaskReport Decode(TaskReportItem item) => new(
        new TaskId(item.TaskId),
        item.Sequence,
        RecordValues.ToEnum<Condition>(item.Condition),
        item.HasMessage ? item.Message : null,
        item.HasReason ? item.Reason : null,
        new Timestamp(item.At),
        item.HasExitCode ? item.ExitCode : null,
        item.HasSignal ? item.Signal : null,
        RecordValues.Strings(item.IpAddresses),
        RecordValues.Map(item.Health, CheckMapping.ToModel))
    {
        Readiness = RecordValues.Map(item.Readiness, CheckMapping.ToModel),
        Check = CheckMapping.ToModel(item.Check),
    };
}
