using System.Net;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Http;

public sealed class LoggingTests
{
    [Fact]
    public async Task Level_ChangedForAWhile_IsWhatItWasAfterwards()
    {
        var time = new ManualTime();
        await using var server = await RunningServer.StartAsync(time: time);
        var before = await server.GetJsonAsync("/logging");
        Assert.Equal("ERROR", before.GetProperty("ROOT").GetString());
        const string loop = "Pacer.Server.Loop.ClusterLoop";
        Assert.Equal("ERROR (inherited)", before.GetProperty(loop).GetString());

        var answer = await server.SendAsync("POST", "/logging", $$"""{"level":"debug","logger":"{{loop}}","durationSeconds":60}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal($$"""{"level":"debug","logger":"{{loop}}","durationSeconds":60}""", answer.Body.GetRawText());
        await server.SendAsync("POST", "/logging", """{"level":"INFO","logger":"ROOT"}""");
        var changed = await server.GetJsonAsync("/logging");
        Assert.Equal("DEBUG", changed.GetProperty(loop).GetString());
        Assert.Equal("INFO", changed.GetProperty("ROOT").GetString());
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("INFO (inherited)", (await server.GetJsonAsync("/logging")).GetProperty(loop).GetString());
    }

    [Theory]
    [InlineData("""{"level":"loud","logger":"ROOT"}""", "/level")]
    [InlineData("""{"logger":"ROOT"}""", "/level")]
    [InlineData("""{"level":"info","logger":""}""", "/logger")]
    [InlineData("""{"level":"info","logger":5}""", "/logger")]
    [InlineData("""{"level":"info","logger":"a","durationSeconds":0}""", "/durationSeconds")]
    [InlineData("""{"level":"info","logger":"a","durationSeconds":"x"}""", "/durationSeconds")]
    [InlineData("[]", "/")]
    public async Task Change_ThatMakesNoSense_IsRefusedByField(string body, string path)
    {
        await using var server = await RunningServer.StartAsync();
        var answer = await server.SendAsync("POST", "/logging", body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Equal(path, answer.Body.GetProperty("details")[0].GetProperty("path").GetString());
    }
}
