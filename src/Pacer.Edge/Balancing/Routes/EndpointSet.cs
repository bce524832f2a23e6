using Pacer.Contracts.Endpoints;

namespace Pacer.Edge.Balancing.Routes;

/// <summary>The endpoints as the feed has told them so far. Not for several threads.</summary>
internal sealed class EndpointSet
{
    private readonly Dictionary<string, EndpointService> _services = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointTask> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointNode> _nodes = new(StringComparer.Ordinal);

    public IReadOnlyCollection<EndpointService> Services => _services.Values;

    public IReadOnlyCollection<EndpointTask> Tasks => _tasks.Values;

    public EndpointNode? Node(string id) => _nodes.GetValueOrDefault(id);

    public void Apply(EndpointUpdate update)
    {
        if (update.Reset)
        {
            _services.Clear();
            _tasks.Clear();
            _nodes.Clear();
        }
        foreach (var service in update.Services ?? [])
        {
            _services[service.Key] = service;
        }
        foreach (var node in update.Nodes ?? [])
        {
            _nodes[node.Id] = node;
        }
        foreach (var task in update.Tasks ?? [])
        {
            _tasks[task.Id] = task;
        }
        update.RemovedServices?.ForEach(key => _services.Remove(key));
        update.RemovedNodes?.ForEach(id => _nodes.Remove(id));
        update.RemovedTasks?.ForEach(id => _tasks.Remove(id));
    }
}
