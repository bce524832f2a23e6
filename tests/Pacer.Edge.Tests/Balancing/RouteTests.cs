using System.Net;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>From apps with labels to who gets a request: Marathon-LB's behaviours, and where ours is another on purpose.</summary>
public sealed class RouteTests
{
    private static readonly RouteOptions Any = new() { Groups = ["*"] };

    private static string? Find(RoutingTable table, string host, string path) => table.Hosts.Find(host, path)?.Backend.ServiceId;

    private static string[] Up(Backend backend) => [.. backend.Servers.Where(server => server.Standing == ServerStanding.Up).Select(server => server.TaskId)];

    [Fact]
    public void AppInGroup_NoHost_ListensOnItsServicePortInTcpMode()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004], "HAPROXY_GROUP=external");
        var table = cluster.Table();
        var backend = Assert.Single(table.Backends);
        Assert.Equal(("web_10004", 10004, ServiceMode.Tcp, true), (backend.Name, backend.Settings.ListenPort, backend.Settings.Mode, backend.Listens));
        Assert.Equal(["10.0.1.1:31001", "10.0.1.2:31011"], backend.Servers.Select(server => server.Address.ToString()));
        Assert.Empty(table.Hosts.Rules);
        Assert.Empty(table.AppIds);
    }

    [Fact]
    public void Host_AnyCaseOrPort_LeadsToTheApp()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=shop.test");
        var table = cluster.Table();
        Assert.Equal("/web", Find(table, "shop.test", "/"));
        Assert.Equal("/web", Find(table, "SHOP.test:80", "/x"));
        Assert.Equal("/web", Find(table, "shop.test.", "/x"));
        Assert.Null(Find(table, "other.test", "/"));
        Assert.Equal("/web", table.AppIds["/WEB"].ServiceId);
    }

    [Theory]
    [InlineData("/api/x", "/api", "/api")]
    [InlineData("/v2", "/api", "/api")]
    [InlineData("/other", "/web", "/web")]
    [InlineData("/apix", "/web", "/api")]
    public void Paths_PrefixAndSegments_AsTheOrderSays(string path, string ours, string marathonLbs)
    {
        var cluster = new Balanced();
        cluster.App("/api", [10004], "HAPROXY_0_VHOST=shop.test", "HAPROXY_0_PATH=/api /v2");
        cluster.App("/web", [10005], "HAPROXY_0_VHOST=shop.test");
        Assert.Equal(ours, Find(cluster.Table(Any), "shop.test", path));
        Assert.Equal(marathonLbs, Find(cluster.Table(Any with { MarathonLbPaths = true }), "shop.test", path));
    }

    [Fact]
    public void Paths_SeveralMatch_TheLongestWinsUnlessWeightOrMarathonLbsOrderSaysOtherwise()
    {
        var cluster = new Balanced();
        cluster.App("/a", [10004], "HAPROXY_0_VHOST=h", "HAPROXY_0_PATH=/s");
        cluster.App("/b", [10005], "HAPROXY_0_VHOST=h", "HAPROXY_0_PATH=/s/deep");
        Assert.Equal("/b", Find(cluster.Table(Any), "h", "/s/deep"));
        Assert.Equal("/a", Find(cluster.Table(Any with { MarathonLbPaths = true }), "h", "/s/deep"));

        var weighted = new Balanced();
        weighted.App("/a", [10004], "HAPROXY_0_VHOST=h", "HAPROXY_0_PATH=/s", "HAPROXY_0_BACKEND_WEIGHT=2");
        weighted.App("/b", [10005], "HAPROXY_0_VHOST=h", "HAPROXY_0_PATH=/s/deep");
        Assert.Equal("/a", Find(weighted.Table(Any), "h", "/s/deep"));
    }

    [Fact]
    public void Path_IgnoreCase_OnlyWhereAsked()
    {
        var cluster = new Balanced();
        cluster.App("/a", [10004], "HAPROXY_0_VHOST=h", "HAPROXY_0_PATH=-i /Api");
        cluster.App("/b", [10005], "HAPROXY_0_VHOST=g", "HAPROXY_0_PATH=/Api");
        var table = cluster.Table(Any);
        Assert.Equal("/a", Find(table, "h", "/aPI/x"));
        Assert.Null(Find(table, "g", "/api/x"));
    }

    [Fact]
    public void Hosts_WildAndExact_TheClosestWins()
    {
        var cluster = new Balanced();
        cluster.App("/all", [10001], "HAPROXY_0_VHOST=*");
        cluster.App("/one", [10002], "HAPROXY_0_VHOST=a.shop.test,b.test");
        cluster.App("/wild", [10003], "HAPROXY_0_VHOST=*.shop.test");
        var table = cluster.Table(Any);
        Assert.Equal("/one", Find(table, "a.shop.test", "/"));
        Assert.Equal("/one", Find(table, "b.test", "/"));
        Assert.Equal("/wild", Find(table, "c.shop.test", "/"));
        Assert.Equal("/all", Find(table, "shop.test", "/"));
        Assert.Equal("/all", Find(table, "[::1]:80", "/"));
    }

    [Theory]
    [InlineData("external", "0")]
    [InlineData("internal", "1")]
    [InlineData("other", "")]
    [InlineData("*", "0 1")]
    public void Groups_OfPorts_AreHonoured(string group, string ports)
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004, 10005], "HAPROXY_GROUP=external", "HAPROXY_1_GROUP=internal");
        Assert.Equal(ports, string.Join(' ', cluster.Table(new RouteOptions { Groups = [group] }).Backends.Select(backend => backend.PortIndex)));
    }

    [Fact]
    public void Group_None_IsPublishedByStarOnly()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004]);
        Assert.Empty(cluster.Table().Backends);
        Assert.Single(cluster.Table(Any).Backends);
    }

    [Fact]
    public void Port_Given_IsListenedOnInsteadOfTheServicePort()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004], "HAPROXY_0_PORT=8080");
        Assert.Equal(("web_8080", 8080), (Assert.Single(cluster.Table(Any).Backends).Name, cluster.Table(Any).Backends[0].Settings.ListenPort));
    }

    [Fact]
    public void Ports_Claimed_TwiceOrByTheBalancerItself_AreGivenToOneWithAWarning()
    {
        var cluster = new Balanced();
        cluster.App("/a", [10004], "HAPROXY_0_PORT=8080");
        cluster.App("/b", [10005], "HAPROXY_0_PORT=8080");
        cluster.App("/c", [10006], "HAPROXY_0_PORT=9090");
        var table = cluster.Table(Any with { Taken = new Dictionary<int, string> { [9090] = "statistics" } });
        Assert.Equal([true, false, false], table.Backends.Select(backend => backend.Listens));
        Assert.Equal(["Port 0: port 8080 is taken by /a. HAPROXY_0_PORT chooses another.", "Port 0: port 9090 is the balancer's own, for statistics. HAPROXY_0_PORT chooses another."],
            table.Warnings.Select(warning => warning.Text));
    }

    [Fact]
    public void Host_ClaimedTwice_StaysWithTheFirst()
    {
        var cluster = new Balanced();
        cluster.App("/b", [10005], "HAPROXY_0_VHOST=h");
        cluster.App("/a", [10004], "HAPROXY_0_VHOST=h");
        var table = cluster.Table(Any);
        Assert.Equal("/a", Find(table, "h", "/"));
        Assert.StartsWith("Port 0: h leads to /a already", Assert.Single(table.Warnings).Text, StringComparison.Ordinal);
    }

    public static TheoryData<string, bool?, bool, bool, int, string?> Standings => new()
    {
        { "TASK_RUNNING", true, true, false, 1, "Up" },
        { "TASK_RUNNING", null, true, false, 0, "Up" },
        { "TASK_RUNNING", null, true, false, 1, "Down" },
        { "TASK_RUNNING", false, true, false, 1, "Down" },
        { "TASK_RUNNING", true, false, false, 1, "Down" },
        { "TASK_RUNNING", true, true, true, 1, "Draining" },
        { "TASK_KILLING", true, true, false, 1, "Draining" },
        { "TASK_UNREACHABLE", true, true, false, 1, "Unreachable" },
        { "TASK_LOST", true, true, false, 1, "Unreachable" },
        { "TASK_STAGING", null, true, false, 0, null },
        { "TASK_STARTING", null, true, false, 0, null },
        { "TASK_FAILED", null, true, false, 0, null },
    };

    [Theory]
    [MemberData(nameof(Standings))]
    public void Server_Standing_FollowsItsTask(string state, bool? healthy, bool ready, bool draining, int checks, string? expected)
    {
        var cluster = new Balanced();
        cluster.Bare("/web", [10004]).HealthChecks = checks;
        var task = cluster.Task("/web", 1);
        (task.State, task.Healthy, task.Ready, task.Draining) = (state, healthy, ready, draining);
        Assert.Equal(expected, Assert.Single(cluster.Table(Any).Backends).Servers.FirstOrDefault()?.Standing.ToString());
    }

    [Fact]
    public void Server_OwnAddress_IsUsedWhereNoPortOfTheNodeIsTaken()
    {
        var cluster = new Balanced();
        cluster.Bare("/web", [10004, 10005]);
        cluster.Cluster.AddTask("/web", "t1", 1, ["9.0.2.5"], (0, 80), (31500, 81));
        var table = cluster.Table(Any);
        Assert.Equal(["9.0.2.5:80", "10.0.1.1:31500"], table.Backends.Select(backend => backend.Servers[0].Address.ToString()));
        Assert.Equal(["9_0_2_5_80", "n1_10_0_1_1_31500"], table.Backends.Select(backend => backend.Servers[0].Name));
    }

    [Fact]
    public void Pod_PortsWithoutServicePort_AreReachedByHost()
    {
        var cluster = new Balanced();
        var pod = cluster.Bare("/pod", [0], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=pod.test");
        pod.Kind = "pod";
        cluster.Task("/pod", 1);
        var backend = Assert.Single(cluster.Table().Backends);
        Assert.False(backend.Listens);
        Assert.Equal("/pod", Find(cluster.Table(), "pod.test", "/"));
    }

    [Fact]
    public void UdpPort_IsNotPublished()
    {
        var cluster = new Balanced();
        cluster.App("/dns", [10004]).Ports[0].Protocol = "udp";
        Assert.Empty(cluster.Table(Any).Backends);
    }

    [Fact]
    public void TwoConfigurations_TasksOfBoth_AreBehindTheNewLabels()
    {
        var cluster = new Balanced();
        var old = cluster.Bare("/web", [10004], "HAPROXY_0_VHOST=old.test");
        (old.ConfigVersion, old.Current) = ("2025-01-01T00:00:00.000Z", false);
        cluster.App("/web", [10004], "HAPROXY_0_VHOST=new.test");
        cluster.Task("/web", 1).ConfigVersion = "2025-01-01T00:00:00.000Z";
        var table = cluster.Table(Any);
        Assert.Null(Find(table, "old.test", "/"));
        Assert.Equal(3, table.Hosts.Find("new.test", "/")!.Backend.Servers.Length);
    }

    [Theory]
    [InlineData(5, 2, "5", 2, 5)]
    [InlineData(5, 5, "5", 5, 5)]
    [InlineData(5, 2, null, 5, 7)]
    [InlineData(1, 0, "1", 0, 1)]
    public void DeploymentGroup_OldTasksGiveWay_AsNewOnesAreHealthy(int old, int @new, string? target, int draining, int up)
    {
        // Without a target the instances of the newer app are it.
        var cluster = new Balanced();
        cluster.Bare("/nginx-blue", [10001], "HAPROXY_DEPLOYMENT_GROUP=nginx", "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-01T00:00:00Z", "HAPROXY_0_PORT=10000");
        cluster.Bare("/nginx-green", [10002], ["HAPROXY_DEPLOYMENT_GROUP=nginx", "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-02T00:00:00Z", "HAPROXY_0_PORT=10000",
            .. target is null ? Array.Empty<string>() : ["HAPROXY_DEPLOYMENT_TARGET_INSTANCES=" + target]]);
        for (var i = 0; i < old; i++)
        {
            cluster.Task("/nginx-blue", 1);
        }
        for (var i = 0; i < @new; i++)
        {
            cluster.Task("/nginx-green", 2);
        }
        if (target is null)
        {
            (draining, up) = (@new, old);
        }
        var backend = Assert.Single(cluster.Table(Any).Backends);
        Assert.Equal(("nginx_10000", "/nginx"), (backend.Name, backend.ServiceId));
        Assert.Equal(draining, backend.Servers.Count(server => server.Standing == ServerStanding.Draining));
        Assert.Equal(up, Up(backend).Length);
    }

    [Theory]
    [InlineData(4, 1, "10", "1", 10)]
    [InlineData(1, 1, "10", "1", 10)]
    [InlineData(3, 2, "25", "2", 25)]
    [InlineData(100, 2, "1", "2", 1)]
    [InlineData(4, 1, "0", "1", 0)]
    [InlineData(4, 1, "100", "1", 100)]
    [InlineData(4, 1, "10", null, 10)]
    [InlineData(4, 2, "10", "1", 50)] // more than the canary had, target 4: two of the old give way, the others count alike
    [InlineData(0, 1, "10", "1", 100)]
    [InlineData(4, 1, "most", "1", 25)]
    public void DeploymentGroup_ShareOfTheNewer_IsKeptWhileItIsACanary(int old, int @new, string share, string? canary, int percent)
    {
        var cluster = new Balanced();
        cluster.Bare("/web", [10001], "HAPROXY_0_VHOST=web.test");
        cluster.Bare("/web-green", [10002], ["HAPROXY_DEPLOYMENT_GROUP=web", "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-02T00:00:00Z", "HAPROXY_0_VHOST=web.test", "PACER_LB_SHARE=" + share,
            canary == "1" && (@new == 2 || share == "most") ? "HAPROXY_DEPLOYMENT_TARGET_INSTANCES=4" : $"HAPROXY_DEPLOYMENT_TARGET_INSTANCES={old + @new}",
            .. canary is null ? Array.Empty<string>() : ["HAPROXY_DEPLOYMENT_NEW_INSTANCES=" + canary]]);
        var newer = new HashSet<string>();
        for (var i = 0; i < old; i++)
        {
            cluster.Task("/web", 1);
        }
        for (var i = 0; i < @new; i++)
        {
            newer.Add(cluster.Task("/web-green", 2).Id);
        }
        var table = cluster.Table(Any);
        var up = Assert.Single(table.Backends).Servers.Where(server => server.Standing == ServerStanding.Up).ToList();
        Assert.Equal(percent, 100.0 * up.Where(server => newer.Contains(server.TaskId)).Sum(server => server.Weight) / up.Sum(server => server.Weight), 0.5);
        Assert.Equal(share == "most", table.Warnings.Any(warning => warning.Text == "PACER_LB_SHARE: 'most' is not valid and has no effect. Give a whole number from 0 to 100."));
    }

    [Fact]
    public void DeploymentGroup_VersionsWithDifferentPorts_ShareThoseThatBothHave()
    {
        var cluster = new Balanced();
        cluster.Bare("/a", [], "HAPROXY_DEPLOYMENT_GROUP=g", "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-01T00:00:00Z");
        cluster.App("/b", [10001, 10002], "HAPROXY_DEPLOYMENT_GROUP=g", "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-02T00:00:00Z");
        cluster.App("/c", [10003], "HAPROXY_DEPLOYMENT_GROUP=g", "HAPROXY_DEPLOYMENT_STARTED_AT=nonsense");
        var table = cluster.Table(Any);
        Assert.Equal([4, 2], table.Backends.Select(backend => backend.Servers.Length));
        Assert.Contains("are in one group, which is for two", Assert.Single(table.Warnings).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.1.1", "10.0.1.1", 31001, "10_0_1_1_31001")]
    [InlineData("agent1", "10.0.1.1", 31001, "agent1_10_0_1_1_31001")]
    [InlineData("a.b-c", "10.0.1.1", 1, "a_b-c_10_0_1_1_1")]
    public void ServerName_IsMarathonLbs(string host, string address, int port, string name) =>
        Assert.Equal(name, ServerNames.OfServer(host, new IPEndPoint(IPAddress.Parse(address), port)));

    [Fact]
    public void ServerCookie_IsTheBeginningOfTheNamesSha1() => Assert.Equal("a94a8fe5cc", ServerNames.Cookie("test"));

    [Fact]
    public void ServerNumber_Taken_IsAnother()
    {
        var taken = new HashSet<int>();
        var first = ServerNames.Number("10_0_1_1_31001", taken);
        Assert.InRange(first, 1, 32766);
        Assert.NotEqual(first, ServerNames.Number("10_0_1_1_31001", taken));
    }

    [Fact]
    public void ManyApps_TheSameEndpoints_GiveTheSameTableInAMoment()
    {
        var cluster = new Balanced();
        for (var app = 0; app < 2000; app++)
        {
            cluster.Bare($"/group/app-{app}", [10000 + app], "HAPROXY_GROUP=external", $"HAPROXY_0_VHOST=app-{app}.test");
            for (var task = 0; task < 5; task++)
            {
                cluster.Cluster.AddTask($"/group/app-{app}", $"t{app}-{task}", 1 + (task % 2), null, (31000 + task + (10 * (app % 1000)), 80));
            }
        }
        var first = cluster.Table();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var second = cluster.Table();
        TestContext.Current.TestOutputHelper?.WriteLine($"{clock.ElapsedMilliseconds} ms");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5)); // tens of milliseconds on an idle machine; quadratic work would show
        Assert.Equal(2000, first.Backends.Length);
        Assert.Equal(first.Backends.SelectMany(backend => backend.Servers).Select(server => server.Name), second.Backends.SelectMany(backend => backend.Servers).Select(server => server.Name));
    }

    [Fact]
    public void Feed_RowsRemoved_AreGoneFromTheTable()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004]);
        var endpoints = new EndpointSet();
        endpoints.Apply(cluster.Cluster.Snapshot());
        endpoints.Apply(new EndpointUpdate { RemovedTasks = ["t1"] });
        Assert.Equal("t2", Assert.Single(RouteBuilder.Build(endpoints, Any).Backends[0].Servers).TaskId);
        endpoints.Apply(new EndpointUpdate { RemovedServices = ["/web@" + TestCluster.Config] });
        Assert.Empty(RouteBuilder.Build(endpoints, Any).Backends);
    }
}
