using Pacer.Contracts.Endpoints;

namespace Pacer.Contracts.Vips;

/// <summary>
/// The rows of the endpoints feed that virtual IPs follow from, kept in step with it: services with labels for them, these services'
/// tasks, and nodes. Not for several threads at once.
/// </summary>
public sealed class VipRows
{
    private readonly Dictionary<string, EndpointService> _services = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointTask> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, EndpointTask>> _byService = new(StringComparer.Ordinal);
    private EndpointCluster _cluster = new();

    public string Range => _cluster.VipRange ?? VipRange.Standard;

    /// <summary>Takes over an update, one that is not partial. Services come before their tasks, or with them.</summary>
    /// <returns>What of it concerns virtual IPs; null when nothing does.</returns>
    public EndpointUpdate? Apply(EndpointUpdate update)
    {
        if (update.Reset)
        {
            _services.Clear();
            _nodes.Clear();
            _tasks.Clear();
            _byService.Clear();
        }
        var kept = new EndpointUpdate { Cursor = update.Cursor, Reset = update.Reset, Cluster = update.Cluster };
        _cluster = update.Cluster ?? _cluster;
        foreach (var key in update.RemovedServices ?? [])
        {
            if (_services.Remove(key))
            {
                (kept.RemovedServices ??= []).Add(key);
            }
        }
        foreach (var service in update.Services ?? [])
        {
            if (VipLabel.Has(service))
            {
                _services[service.Key] = service;
                (kept.Services ??= []).Add(service);
            }
            else if (_services.Remove(service.Key))
            {
                (kept.RemovedServices ??= []).Add(service.Key);
            }
        }
        foreach (var id in update.RemovedNodes ?? [])
        {
            _nodes.Remove(id);
            (kept.RemovedNodes ??= []).Add(id);
        }
        foreach (var node in update.Nodes ?? [])
        {
            _nodes[node.Id] = node;
            (kept.Nodes ??= []).Add(node);
        }
        foreach (var id in update.RemovedTasks ?? [])
        {
            if (Remove(id))
            {
                (kept.RemovedTasks ??= []).Add(id);
            }
        }
        foreach (var task in update.Tasks ?? [])
        {
            var key = EndpointService.KeyOf(task.ServiceId, task.ConfigVersion);
            if (_services.ContainsKey(key))
            {
                Remove(task.Id);
                _tasks[task.Id] = task;
                if (!_byService.TryGetValue(key, out var tasks))
                {
                    _byService[key] = tasks = new Dictionary<string, EndpointTask>(StringComparer.Ordinal);
                }
                tasks[task.Id] = task;
                (kept.Tasks ??= []).Add(task);
            }
            else if (Remove(task.Id))
            {
                // It has moved to a configuration without labels.
                (kept.RemovedTasks ??= []).Add(task.Id);
            }
        }
        return kept is { Reset: false, Cluster: null, Services: null, RemovedServices: null, Nodes: null, RemovedNodes: null, Tasks: null, RemovedTasks: null } ? null : kept;
    }

    public VipTable ToTable() => VipTable.Of(
        _cluster,
        _services.Values,
        key => _byService.TryGetValue(key, out var tasks) ? tasks.Values : [],
        id => _nodes.GetValueOrDefault(id));

    private bool Remove(string id)
    {
        if (!_tasks.Remove(id, out var task))
        {
            return false;
        }
        var key = EndpointService.KeyOf(task.ServiceId, task.ConfigVersion);
        if (_byService.TryGetValue(key, out var tasks) && tasks.Remove(id) && tasks.Count == 0)
        {
            _byService.Remove(key);
        }
        return true;
    }
}
