using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Launching;

namespace Pacer.Shell.Tests.Api;

public sealed class LaunchTests
{
    [Fact]
    public void Launch_HostMode_HasMarathonsEnvironment()
    {
        var task = Launch("""
            {"id":"/shop/cart","cmd":"serve","cpus":0.1,"mem":128,"instances":1,
             "portDefinitions":[{"port":8080,"name":"http-api"},{"port":0}],
             "labels":{"team.name":"x","HAPROXY_0_VHOST":"a.b"},
             "env":{"PORT0":"mine","EMPTY":""}}
            """, out var instance);
        var env = task.Environment;
        var ports = instance.Placement!.HostPorts;
        Assert.Equal(task.TaskId, env["MESOS_TASK_ID"]);
        Assert.Equal($"{instance.Id}._app.1", task.TaskId);
        Assert.Equal("/shop/cart", env["MARATHON_APP_ID"]);
        Assert.Equal(instance.RunSpecVersion.ToString(), env["MARATHON_APP_VERSION"]);
        Assert.Equal("0.1", env["MARATHON_APP_RESOURCE_CPUS"]);
        Assert.Equal("128.0", env["MARATHON_APP_RESOURCE_MEM"]);
        Assert.Equal("0.0", env["MARATHON_APP_RESOURCE_DISK"]);
        Assert.Equal("0", env["MARATHON_APP_RESOURCE_GPUS"]);
        Assert.Equal("FALSE", env["MARATHON_APP_ENFORCE_GROUP_ROLE"]);
        Assert.Equal("HAPROXY_0_VHOST TEAM_NAME", env["MARATHON_APP_LABELS"]);
        Assert.Equal("x", env["MARATHON_APP_LABEL_TEAM_NAME"]);
        Assert.False(env.ContainsKey("MARATHON_APP_DOCKER_IMAGE"));
        Assert.Equal("node1.example.com", env["HOST"]);
        Assert.Equal($"{ports[0]}", env["PORT"]);
        Assert.Equal($"{ports[0]},{ports[1]}", env["PORTS"]);
        Assert.Equal("mine", env["PORT0"]);
        Assert.Equal($"{ports[1]}", env["PORT1"]);
        Assert.Equal($"{ports[0]}", env["PORT_8080"]);
        Assert.Equal($"{ports[1]}", env["PORT_10000"]);
        Assert.Equal($"{ports[0]}", env["PORT_HTTP-API"]);
        Assert.Equal("", env["EMPTY"]);
        Assert.Equal("serve", task.Command.Shell);
        Assert.Equal(100, task.Resources.CpuMillis);
        Assert.Equal([ports[0], ports[1]], task.Ports.Select(p => p.HostPort));
        Assert.Equal("*", task.Role);
        Assert.Equal(Runtime.Mesos, task.Runtime);
    }

    [Fact]
    public void Launch_WithoutPorts_HasNoPortVariables()
    {
        var task = Launch("""{"id":"/a","cmd":"x","portDefinitions":[]}""", out _);
        Assert.DoesNotContain(task.Environment.Keys, name => name.StartsWith("PORT", StringComparison.Ordinal));
        Assert.Equal("", task.Environment["MARATHON_APP_LABELS"]);
        Assert.Equal("node1.example.com", task.Environment["HOST"]);
    }

    [Fact]
    public void Launch_Mappings_KeyByContainerPort()
    {
        var task = Launch("""
            {"id":"/a","cmd":"x","networks":[{"name":"n"}],"container":{"type":"MESOS","portMappings":[
              {"containerPort":80,"hostPort":0,"name":"web"},{"containerPort":81},{"containerPort":0},{"containerPort":0,"hostPort":0}]}}
            """, out var instance);
        var ports = instance.Placement!.HostPorts;
        Assert.Equal(2, ports.Count);
        var env = task.Environment;
        Assert.Equal($"{ports[0]}", env["PORT0"]);
        Assert.Equal($"{ports[0]}", env["PORT_80"]);
        Assert.Equal($"{ports[0]}", env["PORT_WEB"]);
        Assert.Equal("81", env["PORT1"]);
        Assert.Equal("81", env["PORT_81"]);
        var generated = int.Parse(env["PORT2"]);
        Assert.InRange(generated, 1025, 65535);
        Assert.Equal($"{generated}", env[$"PORT_{generated}"]);
        Assert.Equal($"{ports[1]}", env["PORT3"]);
        Assert.Equal($"{ports[0]},{ports[1]},{generated}", env["PORTS"]);
        Assert.Equal(80, task.Ports[0].ContainerPort);
        Assert.Equal(ports[1], task.Ports[3].ContainerPort);
        Assert.Equal(task, Launch(instance, Loop!.State.RunSpecs[new RunSpecId("/a")]));
    }

    [Fact]
    public void Launch_Bridge_AsksForItAndChecksReachTheContainer()
    {
        var task = Launch("""
            {"id":"/a","cmd":"x","networks":[{"mode":"container/bridge","labels":{"k":"v"}}],
             "container":{"type":"MESOS","portMappings":[{"containerPort":80,"protocol":"udp,tcp"}]},
             "healthChecks":[{"protocol":"HTTP"},{"protocol":"MESOS_HTTP"},{"protocol":"TCP","port":22}]}
            """, out var instance);
        var network = Assert.Single(task.Networks);
        Assert.Equal(("container/bridge", "v"), (network.Name, network.Labels["k"]));
        var hostPort = instance.Placement!.HostPorts[0];
        Assert.Equal((hostPort, 80, "udp,tcp", ""), (task.Ports[0].HostPort, task.Ports[0].ContainerPort, task.Ports[0].Protocol, task.Ports[0].Network));
        Assert.Equal(
            [(hostPort, HealthCheck.Types.Target.Node), (80, HealthCheck.Types.Target.Inside), (22, HealthCheck.Types.Target.Node)],
            task.HealthChecks.Select(check => (check.Port, check.Target)));
    }

    [Fact]
    public void Launch_SeveralNetworks_MappingsNameTheirsAndChecksGoToTheAddress()
    {
        var task = Launch("""
            {"id":"/a","cmd":"x","networks":[{"name":"front"},{"name":"back"}],
             "container":{"type":"MESOS","portMappings":[{"containerPort":80},{"containerPort":81,"hostPort":0,"networkNames":["back"]}]},
             "healthChecks":[{"protocol":"HTTP","portIndex":0},{"protocol":"HTTP","portIndex":1},{"protocol":"TCP","port":22}]}
            """, out var instance);
        Assert.Equal(["front", "back"], task.Networks.Select(network => network.Name));
        Assert.Equal([(0, ""), (instance.Placement!.HostPorts[0], "back")], task.Ports.Select(port => (port.HostPort, port.Network)));
        Assert.Equal(
            [HealthCheck.Types.Target.Address, HealthCheck.Types.Target.Node, HealthCheck.Types.Target.Address], task.HealthChecks.Select(check => check.Target));
    }

    [Fact]
    public void Launch_OnlyFixedContainerPorts_HasEmptyPorts()
    {
        var task = Launch("""
            {"id":"/a","cmd":"x","networks":[{"name":"n"}],"container":{"type":"MESOS","portMappings":[{"containerPort":80}]}}
            """, out _);
        Assert.Equal("", task.Environment["PORTS"]);
        Assert.False(task.Environment.ContainsKey("PORT"));
    }

    [Fact]
    public void Launch_ArgsLimitsFetchAndGrace_AreCarriedOver()
    {
        var task = Launch("""
            {"id":"/a","args":["/bin/echo","a b"],"user":"nobody","taskKillGracePeriodSeconds":7,"cpus":0.5,"mem":64,
             "resourceLimits":{"cpus":"unlimited","mem":128},
             "fetch":[{"uri":"file:///x.tgz","cache":true,"destPath":"y"}],"labels":{"a":"b"}}
            """, out _);
        Assert.Equal(["/bin/echo", "a b"], task.Command.Arguments.Values);
        Assert.Equal("nobody", task.User);
        Assert.Equal(7000, task.KillGraceMs);
        Assert.Equal(-1, task.CpuLimitMillis);
        Assert.Equal(128L << 20, task.MemoryLimitBytes);
        var artifact = Assert.Single(task.Fetch);
        Assert.Equal(("file:///x.tgz", true, false, true, "y"), (artifact.Uri, artifact.Extract, artifact.Executable, artifact.Cache, artifact.DestPath));
        Assert.Equal("b", task.Labels["a"]);
    }

    [Fact]
    public void Launch_HealthChecks_HaveTheirPortResolved()
    {
        var task = Launch("""
            {"id":"/a","cmd":"x","portDefinitions":[{},{}],"healthChecks":[
              {"protocol":"HTTPS","path":"/h","portIndex":1,"intervalSeconds":5},{"protocol":"TCP","port":1234},{"command":{"value":"test -f x"}},
              {"protocol":"MESOS_HTTP","portIndex":0,"ignoreHttp1xx":true}]}
            """, out var instance);
        var ports = instance.Placement!.HostPorts;
        Assert.Equal([ports[1], 1234, 0, ports[0]], task.HealthChecks.Select(c => c.Port));
        Assert.Equal(
            [HealthCheck.Types.Protocol.Https, HealthCheck.Types.Protocol.Tcp, HealthCheck.Types.Protocol.Command, HealthCheck.Types.Protocol.Http],
            task.HealthChecks.Select(c => c.Protocol));
        Assert.Equal([false, false, true, true], task.HealthChecks.Select(c => c.AgentKills));
        Assert.Equal([false, false, false, true], task.HealthChecks.Select(c => c.IgnoreHttp1Xx));
        Assert.Equal("/h", task.HealthChecks[0].Path);
        Assert.Equal(5000, task.HealthChecks[0].IntervalMs);
        Assert.Equal("test -f x", task.HealthChecks[2].Command);
    }

    [Theory]
    [InlineData("10000000", "1.0E7")]
    [InlineData("12345678.5", "1.23456785E7")]
    [InlineData("0.1", "0.1")]
    [InlineData("1", "1.0")]
    [InlineData("2048.25", "2048.25")]
    public void Launch_Doubles_AreWrittenAsMarathonDoes(string memory, string text)
    {
        var spec = Specs.Spec($$"""{"id":"/a","cmd":"x","mem":{{memory}}}""");
        var instance = Place(spec);
        Assert.Equal(text, Launch(instance, spec).Environment["MARATHON_APP_RESOURCE_MEM"]);
    }

    private StepLoop? Loop { get; set; }

    private TaskSpec Launch(string json, out Instance instance)
    {
        Loop = new StepLoop();
        Loop.ConnectAgent();
        Loop.SubmitAsync(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Put(Specs.Spec(json), null)], false), default);
        var launch = Assert.Single(Loop.Effects.OfType<Effect.Launch>());
        instance = launch.Instance;
        return Launch(instance, launch.RunSpec);
    }

    private static TaskSpec Launch(Instance instance, RunSpec spec)
    {
        var order = TaskSpecBuilder.Build(spec, instance, new AppRules(), _ => throw new InvalidOperationException("no secret was named"));
        Assert.Equal(instance.Id.Value, order.InstanceId);
        return Assert.Single(order.Tasks);
    }

    private static Instance Place(RunSpec spec)
    {
        var loop = new StepLoop();
        loop.ConnectAgent();
        loop.SubmitAsync(r => new Input.ChangeRunSpecs(
            r, [new RunSpecChange.Put(Specs.Spec("""{"id":"/a","cmd":"x"}"""), null)], false), default);
        return loop.Effects.OfType<Effect.Launch>().Single().Instance;
    }
}
