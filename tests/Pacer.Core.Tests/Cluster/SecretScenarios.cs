using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Core.Tests.Cluster;

public sealed class SecretScenarios
{
    [Fact]
    public void Put_Change_Remove_KeepOneSealedTextAName()
    {
        var cluster = new TestCluster();
        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.PutSecret(r, "db/password", "sealed")));
        cluster.Send(r => new Input.PutSecret(r, "db/password", "sealed again"));
        Assert.Equal("sealed again", Assert.Single(cluster.State.Secrets.Values).Sealed);
        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.RemoveSecret(r, "db/password")));
        Assert.Empty(cluster.State.Secrets);
        Assert.IsType<CommandResult.SecretNotFound>(cluster.Send(r => new Input.RemoveSecret(r, "db/password")));
    }

    [Theory]
    [InlineData("password", "/web", true)]
    [InlineData("db/password", "/db", true)]
    [InlineData("db/password", "/db/app", true)]
    [InlineData("db/main/password", "/db/app", false)]
    [InlineData("db/password", "/dbs", false)]
    public void IsAccessible_ToItsGroupAndBelow(string name, string app, bool accessible) =>
        Assert.Equal(accessible, SealedSecret.IsAccessible(name, new RunSpecId(app)));
}
