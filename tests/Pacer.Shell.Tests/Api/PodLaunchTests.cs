using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Launching;

namespace Pacer.Shell.Tests.Api;

public sealed class PodLaunchTests
{
    [Fact]
    public async Task Launch_Pod_HasATaskForEachContainer()
    {
        var order = await LaunchAsync("""
            {"id":"/shop/web","user":"nobody","labels":{"team":"x","tier":"pod"},"environment":{"A":"pod","B":"pod","HOST":"mine"},
             "volumes":[{"name":"shared"},{"name":"etc","host":"/etc"}],
             "containers":[
              {"name":"www","exec":{"command":{"shell":"serve"}},"resources":{"cpus":0.5,"mem":64},"resourceLimits":{"cpus":"unlimited","mem":128},
               "environment":{"B":"www"},"labels":{"tier":"web"},"lifecycle":{"killGracePeriodSeconds":2.5},
               "endpoints":[{"name":"http-api","protocol":["tcp","udp"]}],
               "healthCheck":{"http":{"endpoint":"http-api","path":"/up","scheme":"HTTPS"}},
               "volumeMounts":[{"name":"shared","mountPath":"data"},{"name":"etc","mountPath":"/conf","readOnly":true}],
               "artifacts":[{"uri":"file:///x","extract":false}]},
              {"name":"log","user":"root","exec":{"command":{"argv":["tail","-f","it's"]}},"resources":{},
               "healthCheck":{"exec":{"command":{"argv":["test","it's"]}}}}]}
            """);
        var (www, log) = (order.Tasks[0], order.Tasks[1]);
        Assert.Equal($"{order.InstanceId}.www.1", www.TaskId);
        Assert.Equal($"{order.InstanceId}.log.1", log.TaskId);
        Assert.Equal($"{order.InstanceId}.1", www.Group);
        Assert.Equal(www.Group, log.Group);
        Assert.Equal(("nobody", "root"), (www.User, log.User));
        Assert.Equal(("serve", "tail -f it's"), (www.Command.Shell, string.Join(' ', log.Command.Arguments.Values)));
        Assert.Equal((500, 64L << 20, -1, 128L << 20), (www.Resources.CpuMillis, www.Resources.MemoryBytes, www.CpuLimitMillis, www.MemoryLimitBytes));
        Assert.Equal((2500, 0), (www.KillGraceMs, log.KillGraceMs));
        var port = Assert.Single(www.Ports);
        Assert.Equal(("http-api", "tcp,udp"), (port.Name, port.Protocol));
        foreach (var env in new[] { www.Environment, log.Environment })
        {
            Assert.Equal("pod", env["A"]);
            Assert.Equal("node1.example.com", env["HOST"]);
            Assert.Equal("/shop/web", env["MARATHON_APP_ID"]);
            Assert.Equal(order.InstanceId, env["MESOS_EXECUTOR_ID"]);
            Assert.Equal($"{port.HostPort}", env["ENDPOINT_HTTP_API"]);
            Assert.Equal($"{port.HostPort}", env["EP_HOST_HTTP_API"]);
            Assert.Equal("TEAM TIER", env["MARATHON_APP_LABELS"]);
        }
        Assert.Equal(("www", "pod"), (www.Environment["B"], log.Environment["B"]));
        Assert.Equal(("web", "pod"), (www.Environment["MARATHON_APP_LABEL_TIER"], log.Environment["MARATHON_APP_LABEL_TIER"]));
        Assert.Equal(("www", "0.5", "64.0"),
            (www.Environment["MARATHON_CONTAINER_ID"], www.Environment["MARATHON_CONTAINER_RESOURCE_CPUS"], www.Environment["MARATHON_CONTAINER_RESOURCE_MEM"]));
        Assert.Equal(www.TaskId, www.Environment["MESOS_TASK_ID"]);
        var check = Assert.Single(www.HealthChecks);
        Assert.Equal((HealthCheck.Types.Protocol.Https, port.HostPort, "/up", true), (check.Protocol, check.Port, check.Path, check.AgentKills));
        Assert.Equal(@"exec 'test' 'it'\''s'", Assert.Single(log.HealthChecks).Command);
        Assert.Equal([("volumes/shared", "data", false), ("/etc", "/conf", true)], www.Mounts.Select(m => (m.Source, m.Destination, m.ReadOnly)));
        Assert.Empty(log.Mounts);
        Assert.Equal("file:///x", Assert.Single(www.Fetch).Uri);
    }

    [Fact]
    public async Task Launch_Image_IsAskedForWithItsLogin()
    {
        var order = await LaunchAsync("""
            {"id":"/a","secrets":{"pull":{"source":"login"}},
             "containers":[{"name":"c","exec":{"command":{"argv":["x"]},"overrideEntrypoint":true},"resources":{},
               "image":{"kind":"DOCKER","id":"reg/web:1","forcePull":true,"pullConfig":{"secret":"pull"}}},
              {"name":"d","resources":{},"image":{"kind":"docker","id":"log"}}]}
            """);
        var (c, d) = (order.Tasks[0], order.Tasks[1]);
        Assert.Equal(("reg/web:1", true, "login", true), (c.Image.Name, c.Image.ForcePull, c.Image.DockerConfig.ToStringUtf8(), c.Image.OverrideEntrypoint));
        Assert.Equal(("log", false, false), (d.Image.Name, d.Image.ForcePull, d.Image.OverrideEntrypoint));
        Assert.Null(d.Command);
        Assert.Equal(Runtime.Mesos, c.Runtime);
    }

    [Fact]
    public async Task Launch_Secrets_LaterLayersHideEarlierOnes()
    {
        var order = await LaunchAsync("""
            {"id":"/a","secrets":{"one":{"source":"one"},"two":{"source":"two"}},
             "environment":{"X":{"secret":"one"},"Y":{"secret":"one"},"Z":"plain"},
             "containers":[{"name":"c","exec":{"command":{"shell":"x"}},"resources":{},
               "environment":{"X":{"secret":"two"},"Y":"plain","Z":{"secret":"two"}}}]}
            """);
        var task = Assert.Single(order.Tasks);
        Assert.Equal("two", task.SecretEnvironment["X"]);
        Assert.Equal("two", task.SecretEnvironment["Z"]);
        Assert.False(task.SecretEnvironment.ContainsKey("Y"));
        Assert.Equal("plain", task.Environment["Y"]);
        Assert.False(task.Environment.ContainsKey("Z"));
    }

    private static async Task<LaunchInstance> LaunchAsync(string pod)
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        foreach (var node in api.Loop.State.Agents.Values)
        {
            api.Loop.Step(new Input.AgentConnected(node with { Runtimes = ["mesos", "mesos-image"] }, []));
        }
        var created = await api.PostAsync("/v2/pods", pod);
        Assert.True((int)created.Status == 201, created.Text);
        var launch = Assert.Single(api.Loop.Effects.OfType<Effect.Launch>());
        return TaskSpecBuilder.Build(
            launch.RunSpec, launch.Instance, new AppRules(), source => System.Text.Encoding.UTF8.GetBytes(source));
    }
}
