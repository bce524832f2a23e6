using Pacer.Core.Cluster;

namespace Pacer.Server.Loop;

/// <summary>Takes orders for nodes, in order, and never blocks. Orders for nodes without a stream are dropped: the core repeats them.</summary>
internal interface IAgentOrders
{
    void Send(Effect.Launch launch, ClusterState state);
    void Send(Effect.Kill kill);
    void Send(Effect.Acknowledge acknowledge);
    void Send(Effect.WipeVolumes wipe);
}

/// <summary>Takes events for everyone who listens, in order, and never blocks.</summary>
internal interface IEventSink
{
    void Publish(ClusterEvent clusterEvent);
}

/// <summary>The pure step, as <see cref="Orchestrator.Step"/> declares it.</summary>
internal delegate StepResult StepFunction(
    ClusterState state, IReadOnlyList<Input> inputs, Core.Model.Timestamp now, ulong seed, ClusterSettings settings);
