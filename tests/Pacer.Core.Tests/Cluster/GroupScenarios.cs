using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class GroupScenarios
{
    private static Group Of(string id, params string[] dependencies) => new(id, ValueList.From(dependencies), null, default);

    private static CommandResult Change(TestCluster cluster, ValueList<RunSpecChange> changes, params GroupChange[] groups) =>
        cluster.Send(r => new Input.ChangeRunSpecs(r, changes, Force: false) { Groups = ValueList.From(groups), GroupId = "/" });

    [Fact]
    public void Put_EmptyGroup_ExistsWithTheGroupsAboveIt()
    {
        var cluster = new TestCluster();
        var result = cluster.Send(r => new Input.ChangeRunSpecs(r, [], false) { Groups = [new GroupChange.Put(Of("/a/b/c"))], GroupId = "/a/b/c" });
        var version = Assert.IsType<CommandResult.Deploying>(result).Version;
        Assert.Equal(["/a", "/a/b", "/a/b/c"], cluster.State.Groups.Keys);
        Assert.All(cluster.State.Groups.Values, group => Assert.Equal(version, group.Version));
        Assert.Equal("/a/b/c", Assert.Single(cluster.Events.OfType<ClusterEvent.GroupChanged>()).GroupId);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Put_AppWithTheIdOfAnEmptyGroup_TakesItsPlace()
    {
        var cluster = new TestCluster();
        Change(cluster, [], new GroupChange.Put(Of("/a/b")));
        Assert.IsType<CommandResult.Invalid>(cluster.Put(App("/a")));
        Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a/b")));
        Assert.Equal(["/a"], cluster.State.Groups.Keys);
        var refused = Change(cluster, [], new GroupChange.Put(Of("/a/b")));
        Assert.Equal("/id", Assert.IsType<CommandResult.Invalid>(refused).Path);
        Assert.Contains("a group may not", cluster.Events.OfType<ClusterEvent.GroupChangeFailed>().Last().Reason);
    }

    [Fact]
    public void Remove_Group_StopsAllInIt_AndLeavesTheGroupAbove()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("n1");
        cluster.Put(App("/a/b/one", 2));
        cluster.Put(App("/a/b/c/two"));
        cluster.Put(App("/a/other"));
        Change(cluster, [], new GroupChange.Remove("/a/b"));
        Assert.Equal([new RunSpecId("/a/other")], cluster.State.RunSpecs.Keys);
        Assert.Equal(["/a"], cluster.State.Groups.Keys);
        Assert.Equal(["/a/other"], cluster.State.AllInstances.Select(i => i.RunSpecId.Path));
        Assert.IsType<CommandResult.GroupNotFound>(Change(cluster, [], new GroupChange.Remove("/a/b")));
    }

    [Fact]
    public void Deploy_GroupDependsOnGroup_OrdersTheSteps()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("n1");
        Change(cluster,
            [
                new RunSpecChange.Put(App("/p/web/www"), null),
                new RunSpecChange.Put(App("/p/db/one"), null),
                new RunSpecChange.Put(App("/p/db/two") with { Dependencies = ["/p/db/one"] }, null),
            ],
            new GroupChange.Put(Of("/p/web", "/p/db")));
        var steps = cluster.Events.OfType<ClusterEvent.DeploymentSucceeded>().Single().Deployment.Steps;
        Assert.Equal(
            ["/p/db/one /p/db/two /p/web/www", "/p/db/one", "/p/db/two", "/p/web/www"],
            steps.Select(step => string.Join(' ', step.Actions.Select(action => action.RunSpecId))));
    }

    [Fact]
    public void Put_GroupsThatDependOnEachOther_AreRefused()
    {
        var cluster = new TestCluster();
        cluster.Put(App("/a/one", 0));
        cluster.Put(App("/b/two", 0));
        Change(cluster, [], new GroupChange.Put(Of("/a", "/b")));
        var before = cluster.State;
        var refused = Assert.IsType<CommandResult.Invalid>(Change(cluster, [], new GroupChange.Put(Of("/b", "/a"))));
        Assert.Contains("cyclic", refused.Message);
        Invariants.SameTables(before, cluster.State);
    }

    [Fact]
    public void Put_OtherRootThanItWasComputedFrom_IsStale()
    {
        var cluster = new TestCluster();
        cluster.Put(App("/a/one", 0));
        var seen = cluster.State.RootVersion;
        cluster.Put(App("/b/two", 0));
        var result = cluster.Send(r => new Input.ChangeRunSpecs(r, [], false) { Groups = [new GroupChange.Put(Of("/c"))], RootBase = seen });
        Assert.IsType<CommandResult.Stale>(result);
    }

    [Fact]
    public void History_EveryVersionThatIsKept_HasTheDefinitionsOfItsTime()
    {
        var cluster = new TestCluster(settings: new ClusterSettings { MaxVersions = 4 });
        var seen = new Dictionary<Timestamp, (string Specs, string Groups)>();
        for (var i = 0; i < 8; i++)
        {
            cluster.Put(App($"/g{i % 3}/app{i % 2}", 0, $"{{\"v\":{i}}}"));
            if (i == 6)
            {
                Change(cluster, [], new GroupChange.Remove("/g1"));
            }
            seen[cluster.State.RootVersion] = Texts(cluster.State.RunSpecs.Values, cluster.State.Groups.Values);
        }
        var versions = RootHistory.Versions(cluster.State).ToList();
        Assert.Equal(4, versions.Count);
        Assert.All(versions.Where(v => seen.ContainsKey(v.Version)), v => Assert.Equal(seen[v.Version], Texts(v.RunSpecs.Values, v.Groups.Values)));
        Assert.Null(RootHistory.At(cluster.State, seen.Keys.Min()));
    }

    [Fact]
    public void Cancel_DeploymentThatMadeGroups_TakesThemBack()
    {
        var cluster = new TestCluster();
        cluster.Put(App("/a/one", 0));
        Change(cluster, [new RunSpecChange.Put(App("/x/y/two", 3), null)], new GroupChange.Put(Of("/a", "/x")));
        var deployment = Assert.Single(cluster.State.Deployments.Keys);
        cluster.Send(r => new Input.CancelDeployment(r, deployment, Force: false));
        Assert.Equal(["/a"], cluster.State.Groups.Keys);
        Assert.Empty(cluster.State.Groups["/a"].Dependencies);
        Assert.Equal([new RunSpecId("/a/one")], cluster.State.RunSpecs.Keys);
    }

    [Fact]
    public void Cancel_IdOfARemovedGroupIsAnAppNow_IsRefused()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("n1").ObeysKills = false;
        cluster.Put(App("/a/b/one"));
        Change(cluster, [], new GroupChange.Remove("/a/b"));
        var deployment = Assert.Single(cluster.State.Deployments.Keys);
        cluster.Put(App("/a/b", 0));
        var refused = cluster.Send(r => new Input.CancelDeployment(r, deployment, Force: false));
        Assert.Contains("/a/b", Assert.IsType<CommandResult.Invalid>(refused).Message);
        Assert.Contains(deployment, cluster.State.Deployments.Keys);
    }

    [Fact]
    public void EnforceRole_OnlyOnTopLevelGroups_WithoutANewVersion()
    {
        var cluster = new TestCluster();
        cluster.Put(App("/a/b/one", 0));
        var version = cluster.State.RootVersion;
        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.EnforceRole(r, "/a", true)));
        Assert.True(cluster.State.Groups["/a"].EnforceRole);
        Assert.Equal(version, cluster.State.RootVersion);
        Assert.IsType<CommandResult.Invalid>(cluster.Send(r => new Input.EnforceRole(r, "/a/b", true)));
        Assert.IsType<CommandResult.GroupNotFound>(cluster.Send(r => new Input.EnforceRole(r, "/b", true)));
        cluster.Put(App("/a/c/two", 0));
        Assert.True(cluster.State.Groups["/a"].EnforceRole);
    }

    private static (string Specs, string Groups) Texts(IEnumerable<RunSpec> specs, IEnumerable<Group> groups) =>
        (string.Join('\n', specs.Select(s => s with { Containers = [] })), string.Join('\n', groups.Select(g => $"{g.Id} {g.Version}")));
}
