using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>An instance starts on a node, or ends there, in a step of a deployment (the first is 1).</summary>
public sealed record ForecastMove(int Step, RunSpecId RunSpecId, AgentId Node, string Hostname, bool Starts);

/// <summary>What a run spec waits for when the deployment comes no further.</summary>
public sealed record ForecastWait(RunSpecId RunSpecId, int Instances, PlacementExplanation Explanation);

/// <summary>
/// What a change would do, were it made now: every task starts at once, healthy and ready, every kill succeeds, and nothing else happens.
/// </summary>
/// <param name="Result">What the change would be answered; conflicts with running deployments don't count.</param>
/// <param name="Ends">Whether the deployment would come to its end.</param>
public sealed record Forecast(
    CommandResult Result, ValueList<DeploymentStep> Steps, IReadOnlyList<ForecastMove> Moves, IReadOnlyList<ForecastWait> Waits, bool Ends)
{
    private const int MaxRounds = 10_000;

    public static Forecast Of(ClusterState state, Input.ChangeRunSpecs command, Timestamp now, ClusterSettings settings)
    {
        var (result, steps) = Orchestrator.Preview(state, command, now, settings);
        if (result is not CommandResult.Deploying)
        {
            return new Forecast(result, steps, [], [], false);
        }
        var step = Orchestrator.Step(state, [command with { Force = true }], now, seed: 1, settings);
        var id = step.Effects.OfType<Effect.Reply>().Select(reply => reply.Result).OfType<CommandResult.Deploying>().First().DeploymentId;
        var moves = new List<ForecastMove>();
        var number = 1;
        for (var round = 0; round < MaxRounds; round++)
        {
            var reports = new List<Input>();
            foreach (var effect in step.Effects)
            {
                switch (effect)
                {
                    case Effect.Publish { Event: ClusterEvent.DeploymentInfo { Deployment: var begun } } when begun.Id == id:
                        number = begun.CurrentStep;
                        break;
                    case Effect.Launch launch:
                        moves.Add(new(number, launch.Instance.RunSpecId, launch.AgentId, launch.Instance.Placement!.Hostname, true));
                        reports.AddRange(launch.Instance.Tasks.Select(task => Report(launch.AgentId, task.Id, Condition.Running, launch.RunSpec.HealthChecks)));
                        break;
                    case Effect.Kill kill when kill.TaskId.TryGetInstance(out var instance, out _, out _):
                        moves.Add(new(number, instance.RunSpecId, kill.AgentId, state.Agents.GetValueOrDefault(kill.AgentId)?.Hostname ?? kill.AgentId.Value, false));
                        reports.Add(Report(kill.AgentId, kill.TaskId, Condition.Killed, 0));
                        break;
                }
            }
            if (reports.Count == 0)
            {
                break;
            }
            step = Orchestrator.Step(step.State, reports, now, seed: (ulong)round + 2, settings);
        }
        var after = step.State;
        var waits = command.Changes.Select(change => change.Id).Distinct()
            .Where(spec => after.Pending.ContainsKey(spec) && after.RunSpecs.ContainsKey(spec))
            .Select(spec => new ForecastWait(spec, after.Pending[spec].Count, Orchestrator.Explain(after, after.RunSpecs[spec], settings))).ToList();
        return new Forecast(result, steps, moves, waits, !after.Deployments.ContainsKey(id));
    }

    private static Input.TaskReported Report(AgentId agent, TaskId task, Condition condition, int checks) => new(agent, new TaskReport(
        task, 1, condition, null, null, default, null, null, [],
        ValueList.From(Enumerable.Range(0, checks).Select(check => new HealthResult(check, true, 0, default(Timestamp), default(Timestamp), null, null))))
    {
        Readiness = condition == Condition.Running ? [new ReadinessResult("", true, null)] : [],
    });
}
