using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Outcome of one step.</summary>
/// <param name="State">The state after it; equal to applying <paramref name="Changes"/> to the state before it.</param>
/// <param name="Changes">What must be durable before any effect is carried out.</param>
/// <param name="Effects">What to do afterwards, in order.</param>
public sealed record StepResult(ClusterState State, IReadOnlyList<Change> Changes, IReadOnlyList<Effect> Effects);

/// <summary>The state machine. Pure: the same state, inputs, time and seed give the same result, always.</summary>
public static class Orchestrator
{
    /// <summary>Handles a batch of inputs in order, then acts on passed deadlines, deployments and waiting instances.</summary>
    public static StepResult Step(ClusterState state, IReadOnlyList<Input> inputs, Timestamp now, ulong seed, ClusterSettings settings) =>
        new(state, [], []);

    /// <summary>Puts one change into a state, keeping the derived tables right.</summary>
    public static ClusterState Apply(ClusterState state, Change change) => state;
}
