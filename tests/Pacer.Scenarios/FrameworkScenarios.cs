using System.Net;

namespace Pacer.Scenarios;

/// <summary>Apps with the labels and checks of the frameworks that teams ran on DC/OS.</summary>
public sealed class FrameworkScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    // Answers its plan's state on its first port: 503 until the file "deployed" is there, as a framework's scheduler does.
    private const string Scheduler = """
        exec python3 -c '
        import http.server, os
        class Plans(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                known = self.path == "/v1/plans/deploy"
                self.send_response(404 if not known else 200 if os.path.exists("deployed") else 503); self.end_headers()
            def log_message(self, *a): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT0"])), Plans).serve_forever()'
        """;

    private static string Framework(string path, string more = "") => App("/framework", Scheduler, $$"""
        "labels":{"DCOS_PACKAGE_FRAMEWORK_NAME":"example","DCOS_MIGRATION_API_VERSION":"v1","DCOS_MIGRATION_API_PATH":"/v1/plan","MARATHON_SINGLE_INSTANCE_APP":"true",
        "DCOS_SERVICE_NAME":"example","DCOS_SERVICE_PORT_INDEX":"0","DCOS_SERVICE_SCHEME":"http"},
        "upgradeStrategy":{"minimumHealthCapacity":0,"maximumOverCapacity":0},"portDefinitions":[{"port":0,"name":"api"}],
        "readinessChecks":[{"name":"plan","portName":"api","path":"{{path}}","intervalSeconds":2,"timeoutSeconds":1,"httpStatusCodesForReady":[200],"preserveLastResponse":true}]{{more}}
        """).Replace("\"mem\":16", "\"mem\":64", StringComparison.Ordinal);

    [Fact(DisplayName = "FRAMEWORK-02: a framework with a slow readiness check is listed as not ready, and its deployment finishes later")]
    public async Task FRAMEWORK_02()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        var deployment = await Cluster.CreateAsync(Framework("/v1/plans/deploy"));
        await NotReadyAsync(503);
        var task = Assert.Single(await Cluster.RunningAsync("/framework"));
        File.WriteAllText(Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", task, "deployed"), "");
        await Cluster.SucceedsAsync(deployment);
        Assert.Equal([task], await Cluster.RunningAsync("/framework"));
    }

    [Fact(DisplayName = "FRAMEWORK-04: a framework of one instance can't have two")]
    public async Task FRAMEWORK_04()
    {
        var refused = await Cluster.SendAsync("POST", "/v2/apps", Framework("/v1/plans/deploy", ",\"instances\":2"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Contains("Single instance app may only have one instance", refused.Body!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "FRAMEWORK-05: a framework whose readiness path is wrong stays in deployment and not ready")]
    public async Task FRAMEWORK_05()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        await Cluster.CreateAsync(Framework("/v1/plan/deploy"));
        await NotReadyAsync(404);
        await Task.Delay(TimeSpan.FromSeconds(6)); // three more polls: nothing to wait for, as nothing must happen
        await NotReadyAsync(404);
    }

    private Task NotReadyAsync(int status) => Waiting.UntilAsync(async () =>
        (await Cluster.DeploymentsAsync()) is [{ } deployment]
        && deployment["currentActions"]!.AsArray().SelectMany(action => action!["readinessCheckResults"]!.AsArray()).Any(result =>
            result!["ready"]!.GetValue<bool>() is false && result["lastResponse"]?["status"]?.GetValue<int>() == status),
        $"the deployment lists the check as not ready, with {status}");
}
