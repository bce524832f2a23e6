using Microsoft.Extensions.Logging;

namespace Pacer.Server.Loop;

internal sealed partial class ClusterLoop
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Error, Message = "A step over {Inputs} inputs failed; repeating them one by one. This is a bug in Pacer.")]
    private partial void LogStepFailed(Exception exception, int inputs);

    [LoggerMessage(EventId = 101, Level = LogLevel.Error, Message = "Dropped an input that can't be handled: {Input}. This is a bug in Pacer.")]
    private partial void LogInputDropped(Exception exception, string input);

    [LoggerMessage(EventId = 102, Level = LogLevel.Error, Message = "Commit failed, trying again in {Backoff}: {Reason}")]
    private partial void LogCommitFailed(TimeSpan backoff, string reason);

    [LoggerMessage(EventId = 103, Level = LogLevel.Warning, Message = "The state store takes commits again.")]
    private partial void LogStoreRecovered();

    [LoggerMessage(EventId = 104, Level = LogLevel.Error, Message = "An effect could not be carried out: {Effect}. This is a bug in Pacer.")]
    private partial void LogEffectFailed(Exception exception, string effect);

    [LoggerMessage(EventId = 105, Level = LogLevel.Critical, Message = "The cluster loop ended; the server can only serve reads until it is started again. This is a bug in Pacer.")]
    private partial void LogLoopEnded(Exception exception);
}
