using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing;
using Pacer.Server.Api.Apps;

namespace Pacer.Shell.Tests.Api;

/// <summary>What load balancers will say of labels is said to those who deploy them.</summary>
public sealed class LabelWarningTests
{
    private const string Labels = """
        "labels": {"HAPROXY_GROUP": "external", "HAPROXY_0_BALANCE": "magic", "HAPROXY_7_VHOST": "x.example"}
        """;

    private static Task<ApiHost> StartAsync() => ApiHost.StartAsync(rules: new AppRules { LabelWarnings = LabelWarnings.Of });

    [Fact]
    public async Task App_WithLabelsThatCanNotBe_IsTakenAndWarnedOf()
    {
        await using var api = await StartAsync();
        AssertNamed(await api.PostAsync("/v2/apps", $$"""{"id": "/web", "cmd": "true", "instances": 0, {{Labels}}}"""));
        AssertNamed(await api.PutAsync("/v2/apps/web", $$"""{"cmd": "false", {{Labels}}}"""));
        AssertNamed(await api.PutAsync("/v2/apps", $$"""[{"id": "/other", "cmd": "true", "instances": 0, {{Labels}}}]"""));
        AssertNamed(await api.PutAsync("/v2/groups/g", $$"""{"apps": [{"id": "web", "cmd": "true", "instances": 0, {{Labels}}}]}"""));
        Assert.Empty((await api.PostAsync("/v2/apps", """{"id": "/plain", "cmd": "true", "instances": 0, "labels": {"team": "a"}}""")).Warnings);

        static void AssertNamed(ApiAnswer answer)
        {
            Assert.True((int)answer.Status < 300, answer.Text);
            Assert.Contains(answer.Warnings, warning => warning.StartsWith("HAPROXY_0_BALANCE: 'magic' is not valid", StringComparison.Ordinal));
            Assert.Contains("HAPROXY_7_VHOST has no effect: " + (answer.Warnings.Any(w => w.Contains("/g/web", StringComparison.Ordinal)) ? "/g/web" : answer.Warnings.Any(w => w.Contains("/other", StringComparison.Ordinal)) ? "/other" : "/web") + " has one port, with index 0.", answer.Warnings);
        }
    }

    [Fact]
    public async Task Pod_WithLabelsThatCanNotBe_IsTakenAndWarnedOf()
    {
        await using var api = await StartAsync();
        var pod = $$"""
            {"id": "/pod", {{Labels}}, "networks": [{"mode": "host"}],
             "containers": [{"name": "a", "exec": {"command": {"shell": "true"} }, "resources": {"cpus": 0.1, "mem": 32},
                             "endpoints": [{"name": "web", "hostPort": 0, "labels": {"VIP_0": "/web:99999"} }]}]}
            """;
        foreach (var answer in new[] { await api.PostAsync("/v2/pods", pod), await api.PutAsync("/v2/pods/pod?force=true", pod.Replace("true", "false", StringComparison.Ordinal)) })
        {
            Assert.True((int)answer.Status < 300, answer.Text);
            Assert.Contains(answer.Warnings, warning => warning.StartsWith("HAPROXY_0_BALANCE: 'magic' is not valid", StringComparison.Ordinal));
            Assert.Contains(answer.Warnings, warning => warning.StartsWith("/containers/0/endpoints/0/labels/VIP_0: ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Group_WithALabelOfAVirtualIpThatCanNotBe_IsTakenAndWarnedOf()
    {
        await using var api = await StartAsync();
        var answer = await api.PutAsync("/v2/groups/g", """{"apps": [{"id": "web", "cmd": "true", "instances": 0, "portDefinitions": [{"port": 0, "labels": {"VIP_0": "/web:99999"}}]}]}""");
        Assert.StartsWith("/apps/0/portDefinitions/0/labels/VIP_0: ", Assert.Single(answer.Warnings));
    }

    [Fact]
    public void Labels_OfAnAppThatNoBalancerPublishes_AreWarnedOf()
    {
        var service = new EndpointService { Id = "/web", Current = true, Ports = [new EndpointPort()], Labels = new() { ["HAPROXY_0_VHOST"] = "x.example" } };
        Assert.StartsWith("HAPROXY_GROUP is missing", Assert.Single(LabelWarnings.Of(service)));
        service.Labels["HAPROXY_0_GROUP"] = "external";
        Assert.Empty(LabelWarnings.Of(service));
    }
}
