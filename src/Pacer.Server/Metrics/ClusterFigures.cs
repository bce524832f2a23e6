using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Groups;

namespace Pacer.Server.Metrics;

/// <summary>What a snapshot of the state holds, counted in one pass.</summary>
internal sealed class ClusterFigures
{
    private readonly ClusterState _state;

    public ClusterFigures(ClusterState state, Timestamp now, ClusterSettings settings)
    {
        _state = state;
        foreach (var spec in state.RunSpecs.Values)
        {
            _ = spec.Kind == RunSpecKind.Pod ? Pods++ : Apps++;
        }
        Groups = GroupTree.IdsOf(state).Count() + 1;
        foreach (var instance in state.AllInstances)
        {
            ByCondition[(int)instance.Condition]++;
            foreach (var task in instance.Tasks)
            {
                ByTaskCondition[(int)task.Condition]++;
            }
            if (instance is { KillSentAt: not null } && !instance.Condition.IsTerminal())
            {
                InflightKills++;
            }
            HeldKills += instance.HeldKill is null ? 0 : 1;
            if (instance.Condition is Condition.Provisioned or Condition.Staging or Condition.Starting
                && now - instance.Since > (instance.Condition == Condition.Provisioned ? settings.LaunchConfirmTimeout : settings.LaunchTimeout))
            {
                LaunchOverdue++;
            }
        }
        Waiting = state.Pending.Values.Sum(ids => ids.Count);
        foreach (var node in state.Agents.Values)
        {
            _ = node.Lost ? LostNodes++ : node.Connected ? ConnectedNodes++ : DisconnectedNodes++;
        }
    }

    public int Apps { get; private set; }

    public int Pods { get; private set; }

    /// <summary>The root included.</summary>
    public int Groups { get; }

    public int Deployments => _state.Deployments.Count;

    public int[] ByCondition { get; } = new int[Enum.GetValues<Condition>().Length];

    public int[] ByTaskCondition { get; } = new int[Enum.GetValues<Condition>().Length];

    public int InflightKills { get; private set; }

    /// <summary>Kills for failing health that are held back, because most of the run spec are unhealthy together.</summary>
    public int HeldKills { get; private set; }

    public int LaunchOverdue { get; private set; }

    /// <summary>Instances without a place.</summary>
    public int Waiting { get; }

    public int QueuedRunSpecs => _state.Pending.Count;

    public int ConnectedNodes { get; private set; }

    public int DisconnectedNodes { get; private set; }

    public int LostNodes { get; private set; }

    public int Running => ByCondition[(int)Condition.Running];

    public int Staged => ByCondition[(int)Condition.Provisioned] + ByCondition[(int)Condition.Staging] + ByCondition[(int)Condition.Starting];

    public long Index => _state.Index;
}
