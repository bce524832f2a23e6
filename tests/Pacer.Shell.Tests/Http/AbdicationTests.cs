using System.Net;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Http;

public sealed class AbdicationTests : IDisposable
{
    private readonly TempDirectory _dir = new();

    private string BackupFile => Path.Combine(_dir.Path, "pacer.backup");

    public void Dispose() => _dir.Dispose();

    [Fact]
    public async Task Leader_ThatAbdicates_LeadsAgainAtTheSameAddress_WithItsState()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0}""");
        var leader = await server.GetJsonAsync("/v2/leader");
        await AbdicateAsync(server, "");
        Assert.Equal(leader.GetRawText(), (await server.GetJsonAsync("/v2/leader")).GetRawText());
        Assert.Equal(1, (await server.GetJsonAsync("/v2/apps")).GetProperty("apps").GetArrayLength());
        await AbdicateAsync(server, ""); // and again
    }

    [Fact]
    public async Task Restore_AfterABackup_BringsBackWhatWasDeleted()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0}""");
        await AbdicateAsync(server, $"?backup=file://{BackupFile}");
        Assert.True(new FileInfo(BackupFile).Length > 0);
        await server.SendAsync("DELETE", "/v2/apps/kept");
        await AbdicateAsync(server, $"?restore={BackupFile}");
        Assert.Equal("/kept", (await server.GetJsonAsync("/v2/apps")).GetProperty("apps")[0].GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("?backup=s3://bucket/key")]
    [InlineData("?backup=file:///no/such/directory/file")]
    [InlineData("?restore=file:///no/such/file")]
    [InlineData("?restore=relative")]
    public async Task Wish_ThatCannotBeCarriedOut_IsRefused_AndTheLeaderStays(string query)
    {
        await using var server = await RunningServer.StartAsync();
        var answer = await server.SendAsync("DELETE", "/v2/leader" + query);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.NotEmpty(answer.Body.GetProperty("message").GetString()!);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/v2/leader")).Status);
    }

    // The uptime begins again with the new lead.
    private static async Task AbdicateAsync(RunningServer server, string query)
    {
        var store = server.Host.Loop;
        var answer = await server.SendAsync("DELETE", "/v2/leader" + query);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("Leadership abdicated", answer.Body.GetProperty("message").GetString());
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return server.Host.Loop != store && (await server.Http.GetAsync("/ping")).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the server leads again");
    }
}
