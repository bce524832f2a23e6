using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;

namespace Pacer.Shell.Tests.Api;

public sealed class NormalisationTests
{
    [Fact]
    public void Uris_BecomeFetchWithGuessedExtraction()
    {
        var app = Specs.App("""{"id":"/a","cmd":"x","uris":["http://h/a.tar.gz?x=1","http://h/a.jar"]}""");
        Assert.Equal([true, false], app.Fetch!.Select(f => f.Extract!.Value));
        Assert.All(app.Fetch!, f => Assert.False(f.Executable!.Value || f.Cache!.Value));
        Assert.Null(app.Uris);
        Assert.True(Specs.App("""{"id":"/a","cmd":"x","fetch":[{"uri":"http://h/a.jar"}]}""").Fetch![0].Extract);
    }

    [Fact]
    public void Ports_BecomePortDefinitions()
    {
        var app = Specs.App("""{"id":"/a","cmd":"x","ports":[0,8080],"portDefinitions":null,"requirePorts":true}""");
        Assert.Equal([0, 8080], app.PortDefinitions!.Select(p => p.Port!.Value));
        Assert.Equal("tcp", app.PortDefinitions![0].Protocol);
        Assert.Null(app.PortDefinitions[0].Name);
        Assert.True(app.RequirePorts);
        Assert.Empty(Specs.App("""{"id":"/a","cmd":"x","ports":[]}""").PortDefinitions!);
    }

    [Fact]
    public void DockerBridge_BecomesBridgeNetworkWithMappings()
    {
        var app = Specs.App("""
            {"id":"/a","container":{"docker":{"image":"nginx","network":"bridge","portMappings":[{"containerPort":80,"protocol":"TCP"}]}},"requirePorts":true}
            """);
        Assert.Equal("""[{"mode":"container/bridge"}]""", JsonSerializer.Serialize(app.Networks, WireJson.Plain.ListNetwork));
        var mapping = Assert.Single(app.Container!.PortMappings!);
        Assert.Equal((80, 0, 0, "tcp"), (mapping.ContainerPort, mapping.HostPort, mapping.ServicePort, mapping.Protocol));
        Assert.Null(app.Container.Docker!.Network);
        Assert.Null(app.Container.Docker.PortMappings);
        Assert.Null(app.PortDefinitions);
        Assert.False(app.RequirePorts);
        Assert.Equal("DOCKER", app.Container.Type);
    }

    [Fact]
    public void DockerUser_TakesTheNetworkNameOfIpAddress()
    {
        var app = Specs.App("""
            {"id":"/a","container":{"type":"DOCKER","docker":{"image":"nginx","network":"USER"}},"ipAddress":{"networkName":"dcos","labels":{"a":"b"}}}
            """);
        var network = Assert.Single(app.Networks!);
        Assert.Equal(("container", "dcos", "b"), (network.Mode, network.Name, network.Labels!["a"]));
        var mapping = Assert.Single(app.Container!.PortMappings!);
        Assert.Equal((0, null, "default"), (mapping.ContainerPort, mapping.HostPort, mapping.Name));
    }

    [Fact]
    public void IpAddress_DiscoveryPorts_BecomeMappingsOfAMesosContainer()
    {
        var app = Specs.App("""
            {"id":"/a","cmd":"x","ipAddress":{"networkName":"mesos-bridge","discovery":{"ports":[{"number":80,"name":"http"}]}}}
            """);
        Assert.Equal("container/bridge", app.Networks![0].Mode);
        Assert.Equal("MESOS", app.Container!.Type);
        Assert.Equal((80, 0, "http"), (app.Container.PortMappings![0].ContainerPort, app.Container.PortMappings[0].HostPort, app.Container.PortMappings[0].Name));
    }

    [Fact]
    public void HostMode_PortMappings_AreDropped()
    {
        var app = Specs.App("""{"id":"/a","cmd":"x","container":{"type":"MESOS","portMappings":[{"containerPort":80}]}}""");
        Assert.Null(app.Container!.PortMappings);
        Assert.Equal("default", Assert.Single(app.PortDefinitions!).Name);
    }

    [Fact]
    public void HealthChecks_Defaults_AreFilledIn()
    {
        var app = Specs.App("""
            {"id":"/a","cmd":"x","ports":[0],"healthChecks":[{},{"command":{"value":"true"}},{"protocol":"mesos_https","port":8443}]}
            """);
        Assert.Equal(["HTTP", "COMMAND", "MESOS_HTTPS"], app.HealthChecks!.Select(c => c.Protocol));
        Assert.Equal([0, null, null], app.HealthChecks!.Select(c => c.PortIndex));
        var check = app.HealthChecks![0];
        Assert.Equal((300, 60, 20, 3, 15, "IPv4"), (check.GracePeriodSeconds, check.IntervalSeconds, check.TimeoutSeconds,
            check.MaxConsecutiveFailures, check.DelaySeconds, check.IpProtocol));
    }

    [Fact]
    public void Definition_SameMeaning_IsTheSameText()
    {
        var one = Specs.Spec("""
            {"id":"a","cmd":"x","env":{"B":"2","A":"1","N":null},"dependencies":["/y","x","/x"],"killSelection":"oldest_first","instances":1,
             "labels":{"b":"","a":""},"constraints":[["hostname","unique",""]],"args":[],"unreachableStrategy":{"inactiveAfterSeconds":0.0}}
            """);
        var other = Specs.Spec("""
            {"labels":{"a":"","b":""},"id":"/a","cmd":"x","env":{"A":"1","B":"2"},"dependencies":["/x","/y"],"killSelection":"OLDEST_FIRST","cpus":1.0,
             "constraints":[["hostname","UNIQUE"]],"instances":7,"version":"2015-01-01T00:00:00.000Z","ports":null}
            """);
        Assert.Equal(one.Definition, other.Definition);
        Assert.True(one.SameConfigAs(other));
        Assert.DoesNotContain("instances", one.Definition);
        Assert.DoesNotContain("version", one.Definition);
    }

    [Fact]
    public void Conversion_AllThatTheCoreDecidesOn_IsCarriedOver()
    {
        var spec = Specs.Spec("""
            {"id":"/a/b","cmd":"x","instances":3,"cpus":0.1005,"mem":0.5,"disk":1,"requirePorts":true,
             "portDefinitions":[{"port":8080,"protocol":"udp,tcp","name":"web"},{}],
             "constraints":[["@zone","GROUP_BY","2"],["rack","LIKE","r[0-9]"]],"dependencies":["/c"],
             "backoffSeconds":2,"backoffFactor":1.5,"maxLaunchDelaySeconds":9,
             "upgradeStrategy":{"minimumHealthCapacity":0.5,"maximumOverCapacity":0.25},
             "unreachableStrategy":"DISABLED","killSelection":"OLDEST_FIRST","acceptedResourceRoles":["*"],
             "healthChecks":[{"protocol":"TCP","portIndex":0}]}
            """);
        Assert.Equal(new Resources(101, 512 * 1024, 1 << 20, 0), spec.Resources);
        Assert.Equal(RuntimeKind.Mesos, spec.Runtime);
        Assert.Equal(["_app"], spec.Containers);
        Assert.Equal([new PortSpec(8080, 0, 0, "udp,tcp", "web"), new PortSpec(0, 0, 0, "tcp", null)], spec.Ports);
        Assert.True(spec.RequirePorts);
        Assert.Equal(
            [new Core.Model.Constraint("@zone", ConstraintOperator.GroupBy, "2"), new Core.Model.Constraint("rack", ConstraintOperator.Like, "r[0-9]")],
            spec.Constraints);
        Assert.Equal(["/c"], spec.Dependencies);
        Assert.Equal(new BackoffPolicy(TimeSpan.FromSeconds(2), 1.5, TimeSpan.FromSeconds(9)), spec.Backoff);
        Assert.Equal(new Core.Model.UpgradeStrategy(0.5, 0.25), spec.Upgrade);
        Assert.Null(spec.Unreachable);
        Assert.Equal(KillSelection.OldestFirst, spec.KillSelection);
        Assert.Equal(["*"], spec.AcceptedRoles);
        Assert.Equal(1, spec.HealthChecks);
        Assert.Equal(3, spec.Instances);
        Assert.Contains("\"port\":0", spec.Definition);
        Assert.DoesNotContain("8080", spec.Definition);
        Assert.Equal(8080, AppConversion.ToApp(spec).PortDefinitions![0].Port);
    }

    [Fact]
    public void Conversion_Image_NeedsAnImageRuntime()
    {
        Assert.Equal(RuntimeKind.Docker, Specs.Spec("""{"id":"/a","container":{"docker":{"image":"x"}}}""").Runtime);
        Assert.Equal(RuntimeKind.MesosImage, Specs.Spec("""{"id":"/a","container":{"type":"MESOS","docker":{"image":"x"}}}""").Runtime);
        Assert.Equal(RuntimeKind.Mesos, Specs.Spec("""{"id":"/a","cmd":"x","container":{"type":"MESOS"}}""").Runtime);
    }

    [Fact]
    public void Update_NetworkMode_TakesPortsOfTheOldModeAway()
    {
        var host = Specs.Spec("""{"id":"/a","cmd":"x","portDefinitions":[{"port":80},{"port":81}]}""");
        var bridge = Specs.Update(host, """{"networks":[{"mode":"container/bridge"}]}""");
        Assert.Null(bridge.PortDefinitions);
        Assert.Equal("default", Assert.Single(bridge.Container!.PortMappings!).Name);
        var back = Specs.Update(AppConversion.ToRunSpec(bridge), """{"networks":[{"mode":"host"}]}""");
        Assert.Equal("default", Assert.Single(back.PortDefinitions!).Name);
        Assert.Null(back.Container!.PortMappings);
    }

    [Fact]
    public void Update_HealthCheckWithoutPort_PointsAtTheFirst()
    {
        var spec = Specs.Spec("""{"id":"/a","cmd":"x"}""");
        Assert.Equal(0, Specs.Update(spec, """{"healthChecks":[{"path":"/"}]}""").HealthChecks![0].PortIndex);
    }

    [Fact]
    public void Wire_EveryMember_SurvivesReadingAndWriting()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Api", "every-member.json"));
        var app = JsonSerializer.Deserialize(text, WireJson.Default.App)!;
        var written = JsonSerializer.Serialize(app, WireJson.Plain.App);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(text), JsonNode.Parse(written)), written);
    }
}
