using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Shell.Tests.Api;

/// <summary>Rules beyond the schema: each case is members added to a valid app, the path and a part of the error.</summary>
public sealed class ValidationTests
{
    [Theory]
    // command
    [InlineData("\"cmd\":null", "/", "one of 'cmd' or 'args'")]
    [InlineData("\"args\":[\"a\"]", "/", "not both")]
    [InlineData("\"cmd\":\"  \"", "/cmd", "must not be an empty string")]
    [InlineData("\"cmd\":\"a\\u0000b\"", "/cmd", "NUL")]
    [InlineData("\"cmd\":null,\"args\":[\"\"]", "/args(0)", "executable")]
    [InlineData("\"cmd\":null,\"container\":{\"type\":\"MESOS\"}", "/", "one of 'cmd' or 'args'")]
    // environment and secrets
    [InlineData("\"env\":{\"\":\"x\"}", "/env", "empty name")]
    [InlineData("\"env\":{\"A=B\":\"x\"}", "/env/A=B", "'='")]
    [InlineData("\"env\":{\"A\":{\"secret\":\"s\"}}", "/env/A/secret", "undefined secret 's'")]
    [InlineData("\"secrets\":{\"\":{\"source\":\"x\"}}", "/secrets", "empty name")]
    // scale and resources
    [InlineData("\"instances\":100001", "/instances", "at most 100000")]
    [InlineData("\"instances\":2,\"labels\":{\"MARATHON_SINGLE_INSTANCE_APP\":\"true\"}", "/instances", "Single instance app")]
    [InlineData("\"labels\":{\"MARATHON_SINGLE_INSTANCE_APP\":\"true\"}", "/upgradeStrategy", "Single instance app")]
    [InlineData("\"resourceLimits\":{\"cpus\":\"lots\"}", "/resourceLimits/cpus", "'lots' is an invalid resource limit")]
    [InlineData("\"resourceLimits\":{\"mem\":64}", "/resourceLimits/mem", "greater than or equal to requested resource (128)")]
    // labels and roles
    [InlineData("\"labels\":{\"DCOS_MIGRATION_API_VERSION\":\"v2\"}", "/labels/DCOS_MIGRATION_API_VERSION", "v1")]
    [InlineData("\"role\":\"dev\"", "/role", "valid roles")]
    [InlineData("\"acceptedResourceRoles\":[]", "/acceptedResourceRoles", "must not be empty")]
    [InlineData("\"acceptedResourceRoles\":[\"x\"]", "/acceptedResourceRoles", "nothing but '*'")]
    // unreachable
    [InlineData("\"unreachableStrategy\":{\"inactiveAfterSeconds\":60}", "/unreachableStrategy", "inactiveAfterSeconds (60) must be less or equal")]
    // fetch
    [InlineData("\"fetch\":[{\"uri\":\"http://a b\"}]", "/fetch(0)/uri", "invalid syntax")]
    [InlineData("\"fetch\":[{\"uri\":\"http://a/b\",\"destPath\":\"../x\"}]", "/fetch(0)/destPath", "inside the sandbox")]
    [InlineData("\"dependencies\":[\"t\"]", "/dependencies(0)", "itself")]
    // constraints
    [InlineData("\"constraints\":[[\"a\"]]", "/constraints(0)", "either 2 or 3 fields")]
    [InlineData("\"constraints\":[[\"a\",\"LIKE\",\"x\",\"y\"]]", "/constraints(0)", "either 2 or 3 fields")]
    [InlineData("\"constraints\":[[\"\",\"UNIQUE\"]]", "/constraints(0)", "missing field")]
    [InlineData("\"constraints\":[[\"a\",\"IN\",\"b\"]]", "/constraints(0)", "operator must be one of")]
    [InlineData("\"constraints\":[[\"a\",\"unique\",\"b\"]]", "/constraints(0)", "UNIQUE does not accept a value")]
    [InlineData("\"constraints\":[[\"a\",\"GROUP_BY\",\"b\"]]", "/constraints(0)", "GROUP_BY")]
    [InlineData("\"constraints\":[[\"a\",\"MAX_PER\"]]", "/constraints(0)", "MAX_PER requires")]
    [InlineData("\"constraints\":[[\"a\",\"LIKE\"]]", "/constraints(0)", "LIKE requires")]
    [InlineData("\"constraints\":[[\"a\",\"UNLIKE\",\"(\"]]", "/constraints(0)", "not a valid regular expression")]
    [InlineData("\"constraints\":[[\"a\",\"IS\",\"b c\"]]", "/constraints(0)", "IS requires")]
    // ports and networks
    [InlineData("\"portDefinitions\":[{\"port\":80},{\"port\":80}]", "/portDefinitions", "Ports must be unique.")]
    [InlineData("\"portDefinitions\":[{\"name\":\"a\"},{\"name\":\"a\"}]", "/portDefinitions", "Port names must be unique.")]
    [InlineData("\"ports\":[80,80]", "/ports", "ports must be unique")]
    [InlineData("\"networks\":[{\"mode\":\"host\",\"name\":\"x\"}]", "/networks(0)", "Host networks may not have names")]
    [InlineData("\"networks\":[{\"mode\":\"container/bridge\",\"name\":\"x\"}]", "/networks(0)", "Bridge networks may not have names")]
    [InlineData("\"networks\":[{\"mode\":\"container\"}]", "/networks(0)", "Network name must be specified")]
    [InlineData("\"networks\":[{\"mode\":\"host\"},{\"name\":\"x\"}]", "/networks", "exactly one")]
    [InlineData("\"networks\":[{\"name\":\"x\"},{\"name\":\"x\"}]", "/networks", "Duplicate networks")]
    [InlineData("\"networks\":[{\"name\":\"x\"}],\"portDefinitions\":[]", "/portDefinitions", "only allowed with host-networking")]
    [InlineData("\"networks\":[{\"name\":\"x\"},{\"name\":\"y\"}],\"container\":{\"type\":\"MESOS\",\"portMappings\":[{\"hostPort\":0}]}",
        "/container/portMappings(0)", "exactly one network")]
    [InlineData("\"networks\":[{\"name\":\"x\"}],\"container\":{\"type\":\"MESOS\",\"portMappings\":[{\"networkNames\":[\"z\"]}]}",
        "/container/portMappings(0)/networkNames", "'z' is none")]
    // container
    [InlineData("\"container\":{}", "/container/docker", "not defined")]
    [InlineData("\"container\":{\"docker\":{\"image\":\"x\",\"credential\":{\"principal\":\"p\"}}}", "/container/docker/credential", "pullConfig")]
    [InlineData("\"container\":{\"docker\":{\"image\":\"x\",\"pullConfig\":{\"secret\":\"s\"}}}", "/container/docker/pullConfig", "not supported with Docker")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"docker\":{\"image\":\"x\",\"network\":\"HOST\"}}", "/container/docker/network", "must be empty")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"linuxInfo\":{\"seccomp\":{}}}", "/container/linuxInfo/seccomp", "unconfined must be true")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"linuxInfo\":{\"ipcInfo\":{\"mode\":\"SHARE_PARENT\",\"shmSize\":1}}}",
        "/container/linuxInfo/ipcInfo", "shmSize")]
    [InlineData("\"ipAddress\":{\"discovery\":{\"ports\":[{\"number\":1,\"name\":\"a\"}]}},\"container\":{\"docker\":{\"image\":\"x\",\"network\":\"BRIDGE\",\"portMappings\":[{}]}}",
        "/ipAddress/discovery", "not allowed for Docker containers")]
    // volumes
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"/a\",\"mode\":\"RW\"}]}", "/container/volumes(0)/hostPath", "empty")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"/a\",\"mode\":\"RO\",\"persistent\":{\"size\":0}}]}",
        "/container/volumes(0)/containerPath", "must not contain '/'")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"mode\":\"RO\",\"persistent\":{\"size\":1}}]}",
        "/container/volumes(0)/mode", "RW")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"mode\":\"RW\",\"persistent\":{\"size\":1,\"maxSize\":2}}]}",
        "/container/volumes(0)/persistent/maxSize", "Only mount volumes")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"secret\":\"s\"}]}", "/container/volumes(0)/secret", "existing secret")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"mode\":\"RW\",\"external\":{\"name\":\"n\",\"provider\":\"nfs\"}}]}",
        "/container/volumes(0)/external/provider", "dvdi or csi")]
    [InlineData("\"instances\":2,\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"mode\":\"RW\",\"external\":{\"name\":\"n\",\"provider\":\"dvdi\",\"options\":{\"dvdi/driver\":\"rexray\"}}}]}",
        "/instances", "limited to 1")]
    [InlineData("\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"a\",\"mode\":\"RW\",\"external\":{\"name\":\"n\",\"provider\":\"csi\",\"options\":{\"pluginName\":1}}}]}",
        "/container/volumes(0)/external/options", "must be an object")]
    // checks
    [InlineData("\"healthChecks\":[{\"portIndex\":1}]", "/healthChecks(0)/portIndex", "must address an element")]
    [InlineData("\"healthChecks\":[{\"port\":1,\"portIndex\":0}]", "/healthChecks(0)", "exactly one of port and portIndex")]
    [InlineData("\"portDefinitions\":[],\"healthChecks\":[{\"protocol\":\"TCP\"}]", "/healthChecks(0)", "0 ports")]
    [InlineData("\"healthChecks\":[{\"protocol\":\"COMMAND\"}]", "/healthChecks(0)/command", "must be given")]
    [InlineData("\"healthChecks\":[{\"protocol\":\"MESOS_TCP\"},{\"protocol\":\"mesos_http\"}]", "/healthChecks", "at most one Mesos health check")]
    [InlineData("\"healthChecks\":[{\"ipProtocol\":\"ipv6\"}]", "/healthChecks(0)/ipProtocol", "IPv6")]
    [InlineData("\"check\":{}", "/check", "exactly one of http, tcp and exec")]
    [InlineData("\"check\":{\"tcp\":{\"portIndex\":3}}", "/check/tcp/portIndex", "check port index")]
    [InlineData("\"readinessChecks\":[{}]", "/readinessChecks(0)", "No port definition reference for portName http-api")]
    [InlineData("\"readinessChecks\":[{\"portName\":\"default\",\"timeoutSeconds\":30}]", "/readinessChecks(0)/timeoutSeconds", "less than the interval")]
    public void Rule_Broken_IsNamedAtItsPlace(string members, string path, string error)
    {
        var json = "{\"id\":\"/t\"," + (members.Contains("\"cmd\"") ? "" : "\"cmd\":\"x y\",") + members + "}";
        var refused = Assert.Throws<ApiException>(() => Specs.App(json)).Error;
        Assert.Equal(422, refused.Status);
        Assert.Equal("Object is not valid", refused.Message);
        var detail = refused.Details!.FirstOrDefault(d => d.Path == path);
        Assert.True(detail is not null, string.Join("; ", refused.Details!.Select(d => $"{d.Path}: {string.Join(", ", d.Errors!)}")));
        Assert.Contains(detail.Errors!, e => e.Contains(error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"uris\":[\"a\"],\"fetch\":[{\"uri\":\"b\"}]", "uris")]
    [InlineData("\"ports\":[1],\"portDefinitions\":[{\"port\":2}]", "ports")]
    [InlineData("\"ports\":[1],\"ipAddress\":{}", "IP address")]
    [InlineData("\"networks\":[{\"mode\":\"host\"}],\"ipAddress\":{}", "networks and ipAddress")]
    [InlineData("\"networks\":[{\"mode\":\"host\"}],\"container\":{\"docker\":{\"image\":\"x\",\"network\":\"HOST\"}}", "container.docker.network and networks")]
    [InlineData("\"container\":{\"docker\":{\"image\":\"x\",\"network\":\"NONE\"}}", "NONE")]
    [InlineData("\"container\":{\"portMappings\":[{}],\"docker\":{\"image\":\"x\",\"portMappings\":[{}]}}", "portMappings")]
    public void Forms_OldAndNewTogether_AreAClash(string members, string text)
    {
        var refused = Assert.Throws<ApiException>(() => Specs.App("{\"id\":\"/t\",\"cmd\":\"x y\"," + members + "}")).Error;
        Assert.Equal(422, refused.Status);
        Assert.Contains(text, refused.Message);
    }

    [Fact]
    public void Feature_SwitchedOff_RefusesItsFields()
    {
        var rules = new AppRules { Features = System.Collections.Frozen.FrozenSet<string>.Empty };
        var refused = Assert.Throws<ApiException>(() => Specs.App(
            """{"id":"/t","cmd":"x","gpus":1,"secrets":{"a":{"source":"b"}},"env":{"A":{"secret":"a"}}}""", rules)).Error;
        Assert.Equal(["/env/A", "/gpus", "/secrets"], refused.Details!.Select(d => d.Path).Order(StringComparer.Ordinal));
        Assert.All(refused.Details!, d => Assert.Contains("--enable_features", d.Errors![0]));
    }

    [Fact]
    public void ResidentApp_ChangedResources_AreRefused()
    {
        const string Resident =
            """{"id":"/db","cmd":"x","container":{"type":"MESOS","volumes":[{"containerPath":"d","mode":"RW","persistent":{"size":10}}]}}""";
        var before = Specs.App(Resident);
        Assert.True(before.UnreachableStrategy!.Disabled);
        Assert.Equal(0.5, before.UpgradeStrategy!.MinimumHealthCapacity);
        Assert.Equal(3600, before.Residency!.RelaunchEscalationTimeoutSeconds);
        var spec = Specs.Spec(Resident);

        Assert.Equal([], Errors("""{"labels":{"a":"b"}}"""));
        Assert.Equal(["/"], Errors("""{"mem":256}"""));
        Assert.Equal(["/"], Errors("""{"portDefinitions":[{"port":1000}]}"""));
        Assert.Equal(["/container/volumes"], Errors(
            """{"container":{"type":"MESOS","volumes":[{"containerPath":"d","mode":"RW","persistent":{"size":11}}]}}"""));

        string?[] Errors(string update)
        {
            var errors = new Pacer.Server.Api.Json.ErrorCollector();
            ResidentRules.ValidateUpdate(before, Specs.Update(spec, update), force: false, errors);
            return [.. errors.Details.Select(d => d.Path)];
        }
    }
}
