using Pacer.Contracts.Endpoints;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Endpoints;

/// <summary>
/// The endpoints of the cluster, kept in step with the state by looking only at what a commit changed. Not safe for use by several
/// threads: <see cref="EndpointFeed"/> guards it.
/// </summary>
internal sealed class EndpointTable
{
    private readonly Dictionary<InstanceId, InstanceRows> _instances = [];
    private readonly Dictionary<string, EndpointTask> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServiceRow> _services = new(StringComparer.Ordinal);
    private readonly Dictionary<RunSpecId, string> _current = [];
    private readonly Dictionary<string, EndpointNode> _nodes = new(StringComparer.Ordinal);

    private readonly record struct InstanceRows(string ServiceKey, List<EndpointTask> Tasks);

    private sealed class ServiceRow(EndpointService service)
    {
        public EndpointService Service { get; set; } = service;

        /// <summary>Instances made from it.</summary>
        public int Instances { get; set; }
    }

    public IReadOnlyCollection<EndpointTask> Tasks => _tasks.Values;

    public IReadOnlyCollection<EndpointNode> Nodes => _nodes.Values;

    public IEnumerable<EndpointService> Services => _services.Values.Select(row => row.Service);

    /// <summary>The whole table of a state: for the start, when there is no commit to follow.</summary>
    public static EndpointTable Of(ClusterState state)
    {
        var table = new EndpointTable();
        var delta = new EndpointDelta();
        foreach (var node in state.Agents.Values)
        {
            table.PutNode(node, delta);
        }
        foreach (var spec in state.RunSpecs.Values)
        {
            table.PutRunSpec(spec, delta);
        }
        foreach (var instance in state.AllInstances)
        {
            table.PutInstance(instance, state, delta);
        }
        return table;
    }

    /// <summary>Takes over the changes of one commit; returns the rows that are different now.</summary>
    public EndpointDelta Apply(IReadOnlyList<Change> changes, ClusterState after)
    {
        var delta = new EndpointDelta();
        for (var i = 0; i < changes.Count; i++)
        {
            switch (changes[i])
            {
                case Change.PutInstance put:
                    PutInstance(put.Instance, after, delta);
                    break;
                case Change.DeleteInstance delete:
                    RemoveInstance(delete.Id, delta);
                    break;
                case Change.PutRunSpec put:
                    PutRunSpec(put.Spec, delta);
                    break;
                case Change.DeleteRunSpec delete:
                    if (_current.Remove(delete.Id, out var key))
                    {
                        Retire(key, delta);
                    }
                    break;
                case Change.PutAgent put:
                    PutNode(put.Node, delta);
                    break;
                case Change.DeleteAgent delete:
                    if (_nodes.Remove(delete.Id.Value))
                    {
                        delta.Remove(delta.Nodes, delete.Id.Value);
                    }
                    break;
            }
        }
        return delta;
    }

    private void PutNode(AgentNode node, EndpointDelta delta)
    {
        var row = EndpointRows.Node(node);
        if (_nodes.TryGetValue(row.Id, out var old) && old.Hostname == row.Hostname && old.Address == row.Address && old.State == row.State
            && old.Region == row.Region && old.Zone == row.Zone)
        {
            return;
        }
        _nodes[row.Id] = row;
        delta.Nodes[row.Id] = row;
    }

    private void PutRunSpec(RunSpec spec, EndpointDelta delta)
    {
        var key = KeyOf(spec.Id, spec.LastConfigChangeAt);
        var before = _current.GetValueOrDefault(spec.Id);
        if (before == key)
        {
            return; // scaled only
        }
        _current[spec.Id] = key;
        SetService(key, EndpointRows.Service(spec, current: true), delta);
        if (before is not null)
        {
            Retire(before, delta);
        }
    }

    private void PutInstance(Instance instance, ClusterState state, EndpointDelta delta)
    {
        var key = KeyOf(instance.RunSpecId, instance.ConfigVersion);
        var had = _instances.TryGetValue(instance.Id, out var old);
        var spec = state.RunSpecOf(instance) ?? state.RunSpecs.GetValueOrDefault(instance.RunSpecId);
        var tasks = EndpointRows.Tasks(instance, spec);
        if (!had || old.ServiceKey != key)
        {
            if (!_services.TryGetValue(key, out var service) && spec is not null)
            {
                var made = EndpointRows.Service(spec, current: false);
                made.ConfigVersion = instance.ConfigVersion.ToString();
                service = SetService(key, made, delta);
            }
            if (service is not null)
            {
                service.Instances++;
            }
        }
        foreach (var task in tasks)
        {
            if (!_tasks.TryGetValue(task.Id, out var known) || !known.Equals(task))
            {
                _tasks[task.Id] = task;
                delta.Tasks[task.Id] = task;
            }
        }
        if (had)
        {
            foreach (var gone in old.Tasks)
            {
                if (!tasks.Exists(task => task.Id == gone.Id))
                {
                    RemoveTask(gone.Id, delta);
                }
            }
            if (old.ServiceKey != key)
            {
                Release(old.ServiceKey, delta);
            }
        }
        _instances[instance.Id] = new InstanceRows(key, tasks);
    }

    private void RemoveInstance(InstanceId id, EndpointDelta delta)
    {
        if (!_instances.Remove(id, out var old))
        {
            return;
        }
        foreach (var task in old.Tasks)
        {
            RemoveTask(task.Id, delta);
        }
        Release(old.ServiceKey, delta);
    }

    private void RemoveTask(string id, EndpointDelta delta)
    {
        if (_tasks.Remove(id))
        {
            delta.Remove(delta.Tasks, id);
        }
    }

    private ServiceRow SetService(string key, EndpointService service, EndpointDelta delta)
    {
        if (_services.TryGetValue(key, out var row))
        {
            row.Service = service;
        }
        else
        {
            _services[key] = row = new ServiceRow(service);
        }
        delta.Services[key] = service;
        return row;
    }

    /// <summary>The configuration is no longer the wanted one: it stays for as long as instances have it.</summary>
    private void Retire(string key, EndpointDelta delta)
    {
        if (!_services.TryGetValue(key, out var row))
        {
            return;
        }
        if (row.Instances == 0)
        {
            Drop(key, delta);
            return;
        }
        var old = row.Service;
        SetService(key, new EndpointService
        {
            Id = old.Id,
            ConfigVersion = old.ConfigVersion,
            Kind = old.Kind,
            Current = false,
            Labels = old.Labels,
            Networks = old.Networks,
            Ports = old.Ports,
            HealthChecks = old.HealthChecks,
            HttpPorts = old.HttpPorts,
        }, delta);
    }

    private void Release(string key, EndpointDelta delta)
    {
        if (_services.TryGetValue(key, out var row) && --row.Instances <= 0 && !row.Service.Current)
        {
            Drop(key, delta);
        }
    }

    private void Drop(string key, EndpointDelta delta)
    {
        _services.Remove(key);
        delta.Remove(delta.Services, key);
    }

    private static string KeyOf(RunSpecId id, Timestamp configVersion) => EndpointService.KeyOf(id.Path, configVersion.ToString());
}
