using Pacer.Contracts.Endpoints;

namespace Pacer.Server.Endpoints;

/// <summary>Rows that a commit made different, by key; null for those that are gone.</summary>
internal sealed class EndpointDelta
{
    public Dictionary<string, EndpointService?> Services { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, EndpointNode?> Nodes { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, EndpointTask?> Tasks { get; } = new(StringComparer.Ordinal);

    public int Count => Services.Count + Nodes.Count + Tasks.Count;

    public void Remove<T>(Dictionary<string, T?> rows, string key) where T : class => rows[key] = null;

    /// <summary>Puts what happened later on top.</summary>
    public void Add(EndpointDelta later)
    {
        Add(Services, later.Services);
        Add(Nodes, later.Nodes);
        Add(Tasks, later.Tasks);
    }

    public EndpointUpdate ToUpdate(string cursor) => new()
    {
        Cursor = cursor,
        Services = Present(Services),
        Nodes = Present(Nodes),
        Tasks = Present(Tasks),
        RemovedServices = Gone(Services),
        RemovedNodes = Gone(Nodes),
        RemovedTasks = Gone(Tasks),
    };

    private static void Add<T>(Dictionary<string, T?> rows, Dictionary<string, T?> later) where T : class
    {
        foreach (var (key, row) in later)
        {
            rows[key] = row;
        }
    }

    private static List<T>? Present<T>(Dictionary<string, T?> rows) where T : class =>
        rows.Values.OfType<T>().ToList() is { Count: > 0 } present ? present : null;

    private static List<string>? Gone<T>(Dictionary<string, T?> rows) where T : class =>
        rows.Where(row => row.Value is null).Select(row => row.Key).ToList() is { Count: > 0 } gone ? gone : null;
}
