using System.Globalization;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Which task state, message and reason an ended container stands for (mesos-containers.md §12).</summary>
internal static class ExitStatus
{
    public static TaskStatus Of(TaskSnapshot task, ContainerExit exit, long nowMs)
    {
        var (state, message, reason) = task.Kill is { } kill
            ? (kill.FinalState, kill.Message, kill.Reason)
            : exit switch
            {
                { Lost: true } => (TaskState.TaskGone, "The container is gone and its exit status is unknown", TaskReasons.ExecutorTerminated),
                { OutOfMemory: true } => (TaskState.TaskFailed, OutOfMemory(task.MemoryLimitBytes), TaskReasons.MemoryLimit),
                { Signal: { } signal } => (TaskState.TaskFailed, $"Command terminated with signal {Name(signal)}", TaskReasons.CommandFailed),
                { ExitCode: 0 } => (TaskState.TaskFinished, "Command exited with status 0", null),
                _ => (TaskState.TaskFailed, string.Create(CultureInfo.InvariantCulture, $"Command exited with status {exit.ExitCode}"), TaskReasons.CommandFailed),
            };
        return new TaskStatus(task.Status.Sequence + 1, state, message, reason, nowMs, exit.ExitCode, exit.Signal);
    }

    private static string OutOfMemory(long? limitBytes) => limitBytes is { } limit
        ? string.Create(CultureInfo.InvariantCulture, $"Memory limit exceeded: the task used more than its {limit / (1024.0 * 1024):0.#} MiB; raise \"mem\" to give it more")
        : "The machine ran out of memory and the kernel chose this task";

    private static string Name(int signal) => signal switch
    {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => signal.ToString(CultureInfo.InvariantCulture),
    };
}
