using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios.Support;

/// <summary>Pods made, changed and looked at through the API.</summary>
public abstract class PodScenario<TCluster>(TCluster cluster) : Scenario<TCluster>(cluster) where TCluster : TestCluster
{
    private protected static string Pod(string id, params string[] containers) => Pod(id, 1, containers);

    /// <param name="parts">JSON of containers, and of other members of the pod.</param>
    private protected static string Pod(string id, int instances, params string[] parts)
    {
        var containers = string.Join(',', parts.Where(part => part.StartsWith('{')));
        var members = string.Concat(parts.Where(part => !part.StartsWith('{')).Select(part => "," + part));
        return $$"""
            {"id":"{{id}}","containers":[{{containers}}]{{members}},
            "executorResources":{"cpus":0.1,"mem":32},"scaling":{"kind":"fixed","instances":{{instances}} } }
            """;
    }

    private protected static string Container(string name, string cmd, string more = "", string? shell = null)
    {
        var text = System.Text.Json.JsonSerializer.Serialize(cmd);
        var command = shell is null ? $"\"shell\":{text}" : $"\"argv\":[\"{shell}\",\"-c\",{text}]";
        return $$"""
            {"name":"{{name}}","exec":{"command":{ {{command}} } },
            "resources":{"cpus":0.1,"mem":32},"lifecycle":{"killGracePeriodSeconds":1}{{(more.Length > 0 ? "," + more : "")}} }
            """;
    }

    /// <summary>Two web servers, each with a health check on its endpoint.</summary>
    private protected static string WebPod(string id) => Pod(id, WebServer("one"), WebServer("two"));

    private protected static string Deployment(Answer answer) => answer.Response.Headers.GetValues("Marathon-Deployment-Id").Single();

    private protected async Task DeployAsync(string pod) =>
        await Cluster.SucceedsAsync(Deployment((await Cluster.SendAsync("POST", "/v2/pods", pod)).Expect(HttpStatusCode.Created)));

    private protected async Task ChangeAsync(string id, string pod) =>
        await Cluster.SucceedsAsync(Deployment((await Cluster.SendAsync("PUT", "/v2/pods" + id, pod)).Expect(HttpStatusCode.OK)));

    private protected async Task<JsonNode> StatusAsync(string id) =>
        (await Cluster.SendAsync("GET", $"/v2/pods{id}::status")).Expect(HttpStatusCode.OK).Body!;

    private protected Task<JsonNode> StableAsync(string id) => Waiting.ForAsync(
        async () => await StatusAsync(id) is var status && status["status"]!.ToString() == "STABLE" ? status : null, $"{id} is stable");

    /// <summary>The only instance with none of these tasks, once it is stable.</summary>
    private protected Task<JsonNode> RelaunchedAsync(string id, List<string> before) => Waiting.ForAsync(
        async () => await StatusAsync(id) is var status && status["status"]!.ToString() == "STABLE"
            && Instances(status) is var instances && !instances.SelectMany(TaskIds).Intersect(before).Any()
            ? instances.First(instance => TaskIds(instance).Any(task => task.StartsWith(before[0][..before[0].LastIndexOf('.')], StringComparison.Ordinal)))
            : null, $"{id} has new tasks");

    private protected async Task DeleteInstanceAsync(JsonNode instance, string query = "")
    {
        var id = Id(instance);
        (await Cluster.SendAsync("DELETE", $"/v2/pods/pod::instances/{id}{query}")).Expect(HttpStatusCode.OK);
    }

    private protected static List<JsonNode> Instances(JsonNode status) => [.. status["instances"]!.AsArray().Select(instance => instance!)];

    private protected static List<JsonNode> Containers(JsonNode instance) => [.. instance["containers"]!.AsArray().Select(container => container!)];

    private protected static string Id(JsonNode instance) => instance["id"]!.ToString();

    private protected static List<string> TaskIds(JsonNode instance) => [.. Containers(instance).Select(container => container["containerId"]!.ToString())];

    private protected string Sandbox(string taskId) => Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", taskId);

    private static string WebServer(string name) => Container(name, $"exec python3 -m http.server $ENDPOINT_{name.ToUpperInvariant()} --bind 127.0.0.1", $$"""
        "endpoints":[{"name":"{{name}}"}],
        "healthCheck":{"http":{"endpoint":"{{name}}","path":"/"},"intervalSeconds":2,"timeoutSeconds":1,"delaySeconds":0,"gracePeriodSeconds":30}
        """);
}
