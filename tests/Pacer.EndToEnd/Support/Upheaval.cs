namespace Pacer.EndToEnd.Support;

/// <summary>What tasks go through while clients ask without a pause: none of these may cost a request, whatever the balancer.</summary>
internal static class Upheaval
{
    /// <summary>An app is deployed, upgraded and scaled to two tasks; one of those is killed, then the server and the agent. The load goes on.</summary>
    /// <param name="address">Of the balancer's virtual hosts.</param>
    public static async Task<Load> OfTasksAsync(Cluster cluster, string address, int instances)
    {
        var script = System.Text.Json.JsonSerializer.Serialize(WebServer.Script);
        await cluster.Api.PostAppAsync($$$"""
            {"id":"/web","cmd":"exec python3 -c \"$SERVER\"","cpus":0.2,"mem":64,"instances":{{{instances}}},"env":{"VERSION":"1","SERVER":{{{script}}}},"taskKillGracePeriodSeconds":20,
             "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test"},"portDefinitions":[{"port":0}],
             "healthChecks":[{"protocol":"HTTP","portIndex":0,"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":30}]}
            """);
        await cluster.Api.WaitUntilSettledAsync();
        var load = new Load(address, "web.test");
        await load.UntilAsync("version 1");

        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", $$$"""{"env":{"VERSION":"2","SERVER":{{{script}}}}}""");
        await cluster.Api.WaitUntilSettledAsync();
        await load.UntilAsync("version 2");
        load.Check("rolling upgrade");

        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", """{"instances":2}""");
        await cluster.Api.WaitForRunningAsync("/web", 2);
        load.Check("scale down");

        var task = (await cluster.Api.TasksAsync("TASK_RUNNING"))[0];
        await cluster.Api.SendAsync(HttpMethod.Delete, $"v2/apps/web/tasks/{task}");
        await Api.Until(async () => !(await cluster.Api.TasksAsync("TASK_RUNNING")).Contains(task), "the task is gone");
        await cluster.Api.WaitUntilSettledAsync();
        load.Check("kill of a task");

        cluster.Up.KillAtOnce();
        await cluster.StartAgainAsync();
        await cluster.Api.WaitUntilSettledAsync();
        load.Check("kill -9 of server and agent");
        return load;
    }
}
