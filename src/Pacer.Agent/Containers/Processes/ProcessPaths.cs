using Pacer.Agent.Containers.Oci;

namespace Pacer.Agent.Containers.Processes;

/// <summary>Where plain processes leave their traces: WORK/runtime/processes/CONTAINER, kept over restarts of the agent.</summary>
internal sealed class ProcessPaths(string workDir)
{
    public string WorkDir { get; } = Path.GetFullPath(workDir).TrimEnd('/');

    public string All => $"{WorkDir}/runtime/processes";

    /// <summary>Marks every process of this work directory in its environment, next to the container's id.</summary>
    public string Owner => OciPaths.CgroupRootOf(WorkDir)[1..];

    public string Directory(string containerId) => $"{All}/{containerId}";

    /// <summary>The record of the wrapper: boot id, pid, start time.</summary>
    public string Record(string containerId) => $"{Directory(containerId)}/record";

    public string ExitFile(string containerId) => $"{Directory(containerId)}/exit";

    /// <summary>The container's environment, one NAME=VALUE after another, each ended by a zero byte; and its user and sandbox.</summary>
    public string Environment(string containerId) => $"{Directory(containerId)}/environment";

    public string User(string containerId) => $"{Directory(containerId)}/user";

    public string Sandbox(string containerId) => $"{Directory(containerId)}/sandbox";
}
