using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>A pod's status in the members by which the progress of apps is told.</summary>
internal static class PodProgress
{
    public static JsonNode AsApp(JsonNode status)
    {
        var instances = status.Items("instances").ToList();
        var app = new JsonObject
        {
            ["id"] = status.Text("id"),
            ["instances"] = status["spec"]?["scaling"].Count("instances"),
            ["tasksRunning"] = instances.Count(instance => instance.Text("status") is "STABLE" or "DEGRADED"),
            ["tasksStaged"] = instances.Count(instance => instance.Text("status") is "STAGING" or "PENDING"),
        };
        if (status.Items("terminationHistory").FirstOrDefault() is { } ended)
        {
            var container = ended.Items("containers").FirstOrDefault();
            app["lastTaskFailure"] = new JsonObject
            {
                ["taskId"] = container.Text("containerId"),
                ["state"] = container.Text("lastKnownState"),
                ["message"] = ended.Text("message"),
                ["timestamp"] = ended.Text("terminatedAt"),
            };
        }
        return app;
    }
}
