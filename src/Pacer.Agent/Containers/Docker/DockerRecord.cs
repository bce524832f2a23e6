using System.Globalization;
using System.Text.Json;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Node;

namespace Pacer.Agent.Containers.Docker;

/// <summary>
/// What is known of a container while the daemon does not answer. Written before the container is created and again when it runs; removed
/// with the container.
/// </summary>
internal sealed class DockerRecord
{
    /// <summary>Of the machine when the container was started; pids mean nothing after a reboot.</summary>
    public string BootId { get; set; } = "";

    /// <summary>Host pid of the first process; 0: not started yet, or the daemon's processes can't be seen from here.</summary>
    public int Pid { get; set; }

    public ulong StartTicks { get; set; }

    /// <summary>The container's own addresses; null: it shares the node's network.</summary>
    public List<string>? Addresses { get; set; }

    /// <summary>Null: unknown.</summary>
    public ProcessIdentity? Init() => Pid > 0 && BootId == ContainerRecord.CurrentBootId ? new ProcessIdentity(Pid, StartTicks) : null;

    public static DockerRecord Of(InspectedContainer container)
    {
        // The pid is the daemon's word: it counts only if the process is one of that container, for it may be of another pid namespace.
        var init = container.State.Pid > 0 && IsOf(container.State.Pid, container.Id) ? ProcessIdentity.Of(container.State.Pid) : ProcessIdentity.None;
        return new DockerRecord
        {
            BootId = ContainerRecord.CurrentBootId,
            Pid = init.Pid,
            StartTicks = init.StartTicks,
            Addresses = container.HostConfig.NetworkMode == "host"
                ? null
                : [.. (container.NetworkSettings.Networks ?? []).Values.SelectMany(network => new[] { network.Address, network.Address6 })
                    .OfType<string>().Where(address => address.Length > 0)],
        };
    }

    /// <summary>Whether a process runs in the cgroup of a container.</summary>
    public static bool IsOf(int pid, string engineId)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cgroup")).Contains(engineId, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Write(string file) => AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(this, EngineJson.Default.DockerRecord), durable: false);

    public static DockerRecord? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), EngineJson.Default.DockerRecord);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
