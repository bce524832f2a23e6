using System.Net;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Api;

/// <summary>What the core or the store refuses, and what is broken, has a status and words of its own.</summary>
public sealed class AppRefusalTests
{
    private const string Sleep = """{"id":"/shop/cart","cmd":"sleep 100","instances":0}""";

    [Fact]
    public async Task Results_EachKind_HasItsStatus()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var expected = new (CommandResult Result, int Status)[]
        {
            (new CommandResult.TooManyDeployments(100), 403),
            (new CommandResult.Conflict([new DeploymentId("d")]), 409),
            (new CommandResult.Invalid("/dependencies", "Dependency graph has cyclic dependencies."), 422),
            (new CommandResult.ServicePortsExhausted(10000, 20000), 422),
            (new CommandResult.RunSpecNotFound(new RunSpecId("/shop/cart")), 404),
        };
        foreach (var (result, status) in expected)
        {
            api.Loop.Instead = () => result;
            var answer = await api.PutAsync("/v2/apps/shop/cart", """{"mem":1}""");
            Assert.Equal(status, (int)answer.Status);
            Assert.NotNull(answer.Message);
        }
    }

    [Fact]
    public async Task Store_CannotCommit_IsUnavailableWithItsReason()
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.BeforeSubmit = () => throw new Pacer.Server.Loop.StoreUnavailableException("The disk is full.", new IOException());
        var answer = await api.PostAsync("/v2/apps", Sleep);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Equal("The disk is full.", answer.Message);
    }

    [Fact]
    public async Task Bug_InTheLoop_ShowsNoInsides()
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.BeforeSubmit = () => throw new InvalidOperationException("secret insides");
        var answer = await api.PostAsync("/v2/apps", Sleep);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.DoesNotContain("secret", answer.Text);
    }

    [Fact]
    public async Task Method_Unknown_IsRefusedInJson()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.SendAsync(HttpMethod.Post, "/v2/apps/a", "{}");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.Status);
        Assert.Equal("Method Not Allowed", answer.Message);
    }
}
