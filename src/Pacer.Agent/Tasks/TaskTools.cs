using Microsoft.Extensions.Logging;
using Pacer.Agent.Checkpoints;
using Pacer.Agent.Checks;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Docker;
using Pacer.Agent.ExternalVolumes;
using Pacer.Agent.Fetching;
using Pacer.Agent.Gpus;
using Pacer.Agent.Networks;
using Pacer.Agent.Node;

namespace Pacer.Agent.Tasks;

/// <summary>What every <see cref="TaskSupervisor"/> of an agent works with.</summary>
internal sealed class TaskTools
{
    public required NodeRuntimes Runtime { get; init; }

    /// <summary>Null: this node has nothing to do with Docker.</summary>
    public DockerRuntime? Docker { get; init; }

    /// <summary>Null as <see cref="Docker"/>.</summary>
    public DockerPresence? DockerPresence { get; init; }

    public required ImageLogins Logins { get; init; }

    public required ContainerAddresses Addresses { get; init; }

    public required TaskCheckpoints Checkpoints { get; init; }

    public required Sandboxes Sandboxes { get; init; }

    public required SecretFiles Secrets { get; init; }

    public required VolumeStore Volumes { get; init; }

    public required ExternalVolumeStore ExternalVolumes { get; init; }

    public required Fetcher Fetcher { get; init; }

    /// <summary>Null: this node does not run images.</summary>
    public TaskImages? Images { get; init; }

    public required NodeNetworks Networks { get; init; }

    public required GpuTable Gpus { get; init; }

    public required HealthProbes Probes { get; init; }

    public required AnswerProbes Answers { get; init; }

    public required NodeFacts Node { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    public required Func<Guid> NewId { get; init; }

    /// <summary>Bounds how many containers are started at once. Kills do not pass here.</summary>
    public required SemaphoreSlim LaunchSlots { get; init; }

    /// <summary>Bounds clean-up, apart from launches, so that a wave of exits does not hold up their replacements.</summary>
    public required SemaphoreSlim CleanupSlots { get; init; }

    public required WorkDirectory Directory { get; init; }

    /// <summary>Told by the server at registration and kept, for launches that go on after a restart while the server is away.</summary>
    public string ClusterId { get; private set; } = "";

    /// <summary>Set while the agent stops: nothing new is begun, and what the tasks do is left to the next agent.</summary>
    public CancellationToken Stopping { get; init; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>
    /// Out of contact with the server for longer than it takes to start one anew. Then the agent itself ends what a check of Mesos'
    /// kind wants ended.
    /// </summary>
    public bool IsAlone => Interlocked.Read(ref _contactLostAtMs) is var lost and not InContact && NowMs - (lost == 0 ? Begin() : lost) >= AloneAfterMs;

    private const long AloneAfterMs = 75_000;
    private const long InContact = -1;
    private long _contactLostAtMs;

    public void ContactChanged(bool inContact)
    {
        if (inContact)
        {
            Interlocked.Exchange(ref _contactLostAtMs, InContact);
        }
        else
        {
            // Further attempts that fail do not make it younger.
            Interlocked.CompareExchange(ref _contactLostAtMs, NowMs, InContact);
        }
    }

    // Never in contact yet: it counts from when it is first asked.
    private long Begin()
    {
        var now = NowMs;
        var before = Interlocked.CompareExchange(ref _contactLostAtMs, now, 0);
        return before > 0 ? before : now;
    }

    public void JoinedCluster(string? clusterId)
    {
        if (clusterId is { Length: > 0 } && clusterId != ClusterId)
        {
            ClusterId = clusterId;
            Directory.WriteClusterId(clusterId);
        }
    }
}
