using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>
/// The state while one step is being worked out: every change goes through here, is applied at once and remembered, and marks
/// what must be looked at again.
/// </summary>
internal sealed class Transaction(ClusterState state, Timestamp now, ulong seed, ClusterSettings settings)
{
    private readonly List<Change> _changes = [];
    private readonly List<Effect> _effects = [];

    public ClusterState State { get; private set; } = state;
    public Timestamp Now { get; } = now;
    public ClusterSettings Settings { get; } = settings;

    /// <summary>Ids and port draws come from separate streams, so that one more draw does not change every later id.</summary>
    public SeededRandom Ids { get; } = new(seed);
    public SeededRandom Draws { get; } = new(seed ^ 0xA5A5_5A5A_C3C3_3C3CUL);

    /// <summary>Run specs whose instances or definition changed.</summary>
    public SortedSet<RunSpecId> DirtyRunSpecs { get; } = [];

    /// <summary>Deployments to look at though none of their run specs changed.</summary>
    public SortedSet<DeploymentId> DirtyDeployments { get; } = [];

    /// <summary>Nodes where something was freed, or that came: everyone who waits gets another try there.</summary>
    public SortedSet<AgentId> Freed { get; } = [];

    public IReadOnlyList<Change> Changes => _changes;
    public IReadOnlyList<Effect> Effects => _effects;

    public void Do(Effect effect) => _effects.Add(effect);
    public void Publish(ClusterEvent happened) => _effects.Add(new Effect.Publish(happened));

    public void Put(Change change)
    {
        State = StateChanges.Apply(State, change);
        _changes.Add(change);
    }

    /// <summary>Stores an instance, with its next deadline worked out, and tells the world when its condition or health changed.</summary>
    public void Put(Instance instance)
    {
        var old = State.Instance(instance.Id);
        instance = instance with { Deadline = InstanceDeadline.Of(instance, SpecFor(instance)?.Unreachable, Settings) };
        if (instance == old)
        {
            return;
        }
        if (old is { HoldsResources: true } && !instance.HoldsResources)
        {
            Freed.Add(old.Placement!.AgentId);
        }
        else if (old is not { HoldsResources: true } && instance is { HoldsResources: true, Placement.Resources.Gpus: > 0 })
        {
            Freed.Add(instance.Placement.AgentId); // without free GPUs a node is open to those who need none
        }
        Put(new Change.PutInstance(instance));
        DirtyRunSpecs.Add(instance.RunSpecId);
        if (old?.Condition != instance.Condition)
        {
            Publish(new ClusterEvent.InstanceChanged(Now, instance));
        }
        if (old is not null && old.Healthy != instance.Healthy)
        {
            Publish(new ClusterEvent.InstanceHealthChanged(Now, instance));
        }
    }

    public void Delete(Instance instance)
    {
        if (instance.HoldsResources)
        {
            Freed.Add(instance.Placement!.AgentId);
        }
        Put(new Change.DeleteInstance(instance.Id));
        DirtyRunSpecs.Add(instance.RunSpecId);
        if (!instance.Volumes.IsEmpty && State.Agents.TryGetValue(instance.Placement!.AgentId, out var node))
        {
            var ids = ValueList.From(instance.Volumes.Select(volume => volume.Id));
            Put(node with { Wiping = [.. node.Wiping, .. ids] });
            if (node.Connected)
            {
                Do(new Effect.WipeVolumes(node.Id, ids));
            }
        }
    }

    public void Put(AgentNode node)
    {
        Timestamp? deadline = node switch
        {
            { Connected: true, Unwanted.Count: > 0 } => Now + Settings.KillRetryInterval,
            { Connected: false, Lost: false, DisconnectedAt: { } since } => since + Settings.AgentTimeout,
            _ => null,
        };
        if (node.Drain is { Expired: false, Until: { } until } && !(deadline < until))
        {
            deadline = until;
        }
        Put(new Change.PutAgent(node with { Deadline = deadline }));
    }

    /// <summary>The definition an instance runs, or would run next.</summary>
    public RunSpec? SpecFor(Instance instance) =>
        State.RunSpecOf(instance) ?? State.RunSpecs.GetValueOrDefault(instance.RunSpecId);

    public bool IsLocked(RunSpecId id) => State.LockedBy.ContainsKey(id);
}
