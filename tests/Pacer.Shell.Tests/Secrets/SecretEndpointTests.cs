using System.Net;
using System.Text;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Secrets;

public sealed class SecretEndpointTests
{
    [Fact]
    public async Task Put_ThenList_ShowsTheNameAndNeverTheContent()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await server.SendAsync("PUT", "/v2/secrets/db/password", """{"value":"hush"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("PUT", "/v2/secrets/db/password", """{"value":"hush hush"}""")).Status);
        using var raw = new ByteArrayContent([0, 1, 2, 255]);
        raw.Headers.ContentType = new("application/octet-stream");
        using var put = await server.Http.PutAsync("/v2/secrets/key", raw);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);

        var list = await server.Http.GetStringAsync("/v2/secrets");
        Assert.Contains("\"db/password\"", list);
        Assert.DoesNotContain("hush", list + await server.Http.GetStringAsync("/v2/secrets/db/password"));
        await server.RestartAsync();
        Assert.Equal(list, await server.Http.GetStringAsync("/v2/secrets"));
        foreach (var file in Directory.EnumerateFiles(server.DataDir, "state.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            Assert.DoesNotContain("hush", await reader.ReadToEndAsync());
        }

        Assert.Equal(HttpStatusCode.NoContent, (await server.SendAsync("DELETE", "/v2/secrets/db/password")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await server.SendAsync("DELETE", "/v2/secrets/db/password")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await server.SendAsync("GET", "/v2/secrets/db/password")).Status);
    }

    [Theory]
    [InlineData("/v2/secrets/a", "{}")]
    [InlineData("/v2/secrets/a", """{"value":""}""")]
    [InlineData("/v2/secrets/a", """{"value":7}""")]
    [InlineData("/v2/secrets/a", "[]")]
    [InlineData("/v2/secrets/a%20b", """{"value":"x"}""")]
    [InlineData("/v2/secrets/a/../b", null)]
    [InlineData("/v2/secrets/a//b", """{"value":"x"}""")]
    [InlineData("/v2/secrets/", """{"value":"x"}""")]
    public async Task Put_BadNameOrContent_IsRefusedAndStoresNothing(string path, string? body)
    {
        await using var server = await RunningServer.StartAsync();
        var (status, _) = await server.SendAsync("PUT", path, body);
        Assert.InRange((int)status, 400, 499);
        Assert.Equal("""{"secrets":[]}""", await server.Http.GetStringAsync("/v2/secrets"));
    }

    [Theory]
    [InlineData("/db/app", "db/password", HttpStatusCode.Created)]
    [InlineData("/db", "db/password", HttpStatusCode.Created)]
    [InlineData("/web", "password", HttpStatusCode.Created)]
    [InlineData("/web", "file:any/where", HttpStatusCode.Created)]
    [InlineData("/web", "db/password", HttpStatusCode.UnprocessableEntity)]
    [InlineData("/dbx/app", "/db/password", HttpStatusCode.UnprocessableEntity)]
    [InlineData("/web", "pass word", HttpStatusCode.UnprocessableEntity)]
    public async Task App_MayNameOnlySecretsOfItsGroups(string app, string source, HttpStatusCode expected)
    {
        await using var server = await RunningServer.StartAsync();
        var (status, body) = await server.SendAsync("POST", "/v2/apps",
            "{\"id\":\"" + app + "\",\"cmd\":\"x\",\"secrets\":{\"s\":{\"source\":\"" + source + "\"}},\"env\":{\"A\":{\"secret\":\"s\"}}}");
        Assert.Equal(expected, status);
        if (expected != HttpStatusCode.Created)
        {
            Assert.Equal("/secrets/s/source", body.GetProperty("details")[0].GetProperty("path").GetString());
        }
    }
}
