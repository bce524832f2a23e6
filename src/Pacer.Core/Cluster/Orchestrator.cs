using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>Outcome of one step.</summary>
/// <param name="State">The state after it; equal to applying <paramref name="Changes"/> to the state before it.</param>
/// <param name="Changes">What must be durable before any effect is carried out.</param>
/// <param name="Effects">What to do afterwards, in order.</param>
public sealed record StepResult(ClusterState State, IReadOnlyList<Change> Changes, IReadOnlyList<Effect> Effects);

/// <summary>The state machine. Pure: the same state, inputs, time and seed give the same result, always.</summary>
public static class Orchestrator
{
    /// <summary>
    /// Handles a batch of inputs in order, then acts on passed deadlines, deployments, instance counts and waiting instances,
    /// until nothing is left to do at this time.
    /// </summary>
    public static StepResult Step(ClusterState state, IReadOnlyList<Input> inputs, Timestamp now, ulong seed, ClusterSettings settings)
    {
        var tx = new Transaction(state, now, seed, settings);
        foreach (var input in inputs)
        {
            Handle(tx, input);
        }
        PassedDeadlines.ActOn(tx);
        Settle(tx);
        return new StepResult(tx.State, tx.Changes, tx.Effects);
    }

    /// <summary>Puts one change into a state, keeping the derived tables right.</summary>
    public static ClusterState Apply(ClusterState state, Change change) => StateChanges.Apply(state, change);

    /// <summary>
    /// What a change would be answered, and the steps its deployment would have; conflicts with running deployments don't count.
    /// </summary>
    public static (CommandResult Result, ValueList<DeploymentStep> Steps) Preview(
        ClusterState state, Input.ChangeRunSpecs command, Timestamp now, ClusterSettings settings)
    {
        var tx = new Transaction(state, now, seed: 1, settings);
        var result = RunSpecCommands.Change(tx, command with { Force = true });
        var planned = result is CommandResult.Deploying deploying ? tx.State.Deployments.GetValueOrDefault(deploying.DeploymentId) : null;
        return (result, planned?.Steps ?? []);
    }

    /// <summary>What every node in contact says to one more instance of a run spec, now.</summary>
    public static PlacementExplanation Explain(ClusterState state, RunSpec spec, ClusterSettings? settings = null) =>
        Placer.Explain(state, spec, settings ?? new ClusterSettings());

    private static void Handle(Transaction tx, Input input)
    {
        switch (input)
        {
            case Input.Command command:
                tx.Do(new Effect.Reply(command.Request, Decide(tx, command)));
                break;
            case Input.ServerStarted:
                foreach (var id in tx.State.Agents.Keys)
                {
                    AgentInputs.Disconnected(tx, id);
                }
                break;
            case Input.AgentConnected connected:
                AgentInputs.Connected(tx, connected);
                break;
            case Input.AgentDisconnected disconnected:
                AgentInputs.Disconnected(tx, disconnected.Id);
                break;
            case Input.TaskReported reported:
                AgentInputs.Reported(tx, reported.AgentId, reported.Report);
                break;
            case Input.Tick:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(input), input, "unknown input");
        }
    }

    private static CommandResult Decide(Transaction tx, Input.Command command) => command switch
    {
        Input.ChangeRunSpecs change => RunSpecCommands.Change(tx, change),
        Input.EnforceRole enforce => GroupCommands.EnforceRole(tx, enforce),
        Input.KillInstances kill => InstanceCommands.Kill(tx, kill),
        Input.CancelDeployment cancel => DeploymentProgress.Cancel(tx, cancel),
        Input.PutSecret put => SecretCommands.Put(tx, put),
        Input.RemoveSecret remove => SecretCommands.Remove(tx, remove.Name),
        Input.CordonNode cordon => NodeCommands.Cordon(tx, cordon),
        Input.DrainNode drain => NodeCommands.Drain(tx, drain),
        Input.UndrainNode undrain => NodeCommands.Undrain(tx, undrain),
        Input.RemoveNode remove => NodeCommands.Remove(tx, remove),
        Input.ResetDelay reset => InstanceCommands.ResetDelay(tx, reset.Id),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "unknown command"),
    };

    // Level-triggered: what changed is compared with what is wanted, and each repair may change more. Every repair brings an
    // instance nearer to its goal, so this ends.
    private static void Settle(Transaction tx)
    {
        while (tx.DirtyRunSpecs.Count > 0 || tx.DirtyDeployments.Count > 0 || tx.Freed.Count > 0)
        {
            var launch = new SortedSet<RunSpecId>();
            while (tx.DirtyRunSpecs.Count > 0 || tx.DirtyDeployments.Count > 0)
            {
                if (tx.DirtyDeployments.Count > 0)
                {
                    var deployment = tx.DirtyDeployments.Min;
                    tx.DirtyDeployments.Remove(deployment);
                    DeploymentProgress.Advance(tx, deployment);
                    continue;
                }
                var id = tx.DirtyRunSpecs.Min;
                tx.DirtyRunSpecs.Remove(id);
                launch.Add(id);
                UnhealthyKills.Carry(tx, id);
                if (tx.State.LockedBy.TryGetValue(id, out var locking))
                {
                    tx.DirtyDeployments.Add(locking);
                }
                else
                {
                    InstanceCount.Maintain(tx, id);
                }
            }
            var freed = tx.Freed.ToArray();
            tx.Freed.Clear();
            // In one order, whatever the reason, so that nobody is starved by the name of what changed.
            foreach (var id in freed.Length == 0 ? (IEnumerable<RunSpecId>)launch : launch.Union(tx.State.Pending.Keys).Order().ToList())
            {
                LaunchQueue.Launch(tx, id, launch.Contains(id) ? null : freed);
            }
        }
    }
}
