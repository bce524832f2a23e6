using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.BlueGreen;

/// <summary>What all balancers together say of a service's tasks. Pure: tests feed it their status pages.</summary>
internal sealed class BalancerSight
{
    private readonly List<Dictionary<string, (bool Up, bool GivesWay, long Active)>> _balancers = [];

    /// <param name="pages">The status of each balancer.</param>
    /// <param name="service">"/shop/web".</param>
    public BalancerSight(IEnumerable<JsonNode> pages, string service)
    {
        foreach (var page in pages)
        {
            var tasks = new Dictionary<string, (bool Up, bool GivesWay, long Active)>(StringComparer.Ordinal);
            // A task with several ports is in several backends: it serves when it does in all of them.
            foreach (var server in page.Items("backends").Where(backend => backend.Text("service") == service).SelectMany(backend => backend.Items("servers")))
            {
                var (up, givesWay, active) = tasks.GetValueOrDefault(server.Text("task"), (true, true, 0));
                tasks[server.Text("task")] = (up && server.Text("status") == "UP", givesWay && server.Text("status") == "MAINT", active + (long)server.Number("active"));
            }
            _balancers.Add(tasks);
        }
    }

    /// <summary>Every balancer gives it requests.</summary>
    public bool Serves(string task) => _balancers.TrueForAll(tasks => tasks.GetValueOrDefault(task).Up);

    public bool GivesWay(string task) => _balancers.TrueForAll(tasks => tasks.GetValueOrDefault(task).GivesWay);

    public bool IsIdle(string task) => _balancers.TrueForAll(tasks => tasks.GetValueOrDefault(task).Active == 0);

    /// <summary>Every balancer has some of these tasks, whatever it thinks of them.</summary>
    public bool Knows(IReadOnlyList<string> tasks) => _balancers.TrueForAll(known => tasks.Any(known.ContainsKey));

    /// <param name="app">With its tasks.</param>
    /// <param name="ended">Tasks that were told to end already, whatever the API still says.</param>
    public VersionSeen See(JsonNode app, IReadOnlySet<string> ended)
    {
        var running = app.Items("tasks").Where(task => task.Text("state") == "TASK_RUNNING").Select(task => task.Text("id"))
            .Where(id => !ended.Contains(id)).Order(StringComparer.Ordinal).ToList();
        var givingWay = running.Where(GivesWay).ToList();
        return new VersionSeen(app.Text("id"), app.Count("instances"), running, running.Count(Serves), givingWay, [.. givingWay.Where(IsIdle)]);
    }
}
