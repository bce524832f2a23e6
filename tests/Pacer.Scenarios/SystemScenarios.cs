using System.Net;

namespace Pacer.Scenarios;

public sealed class SystemScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "INFO-05: /v2/info names the leader that the header names")]
    public async Task INFO_05()
    {
        var info = await Cluster.SendAsync("GET", "/v2/info");
        Assert.Equal("http://" + info.Body!["leader"], info.Response.Headers.GetValues("X-Marathon-Leader").Single());
    }

    [Fact(DisplayName = "INFO-06: /v2/info and /v2/leader agree on the leader")]
    public async Task INFO_06() => Assert.Equal(
        (await Cluster.SendAsync("GET", "/v2/leader")).Body!["leader"]!.ToString(),
        (await Cluster.SendAsync("GET", "/v2/info")).Body!["leader"]!.ToString());

    [Fact(DisplayName = "PING-02: /ping answers as plain text")]
    public async Task PING_02()
    {
        var pong = (await Cluster.SendAsync("GET", "/ping")).Expect(HttpStatusCode.OK);
        Assert.Equal("text/plain", pong.Response.Content.Headers.ContentType!.MediaType);
    }

    [Fact(DisplayName = "SYS-FAULT-03: a task keeps its id when its agent restarts")]
    public async Task SYS_FAULT_03()
    {
        await Cluster.DeployAsync(App("/stays"));
        var before = await Cluster.RunningAsync("/stays");
        await Cluster.Nodes[0].StopAsync();
        await Cluster.Nodes[0].StartAsync();
        Assert.Equal(before, await Cluster.RunningAsync("/stays", 1));
    }

    [Fact(DisplayName = "STARTUP-01: a server whose HTTP port is taken ends with a code that is not zero")]
    public async Task STARTUP_01()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Pacer.slnx")))
        {
            directory = directory.Parent;
        }
        var data = Directory.CreateTempSubdirectory("pacer-taken-");
        try
        {
            using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
                Path.Combine(directory.FullName, "artifacts/bin/Pacer.Cli/release/pacer"),
                ["server", "--http", Cluster.Http.BaseAddress!.Authority, "--data-dir", data.FullName])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var told = await process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.NotEqual(0, process.ExitCode);
            Assert.Contains(Cluster.Http.BaseAddress.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), told, StringComparison.Ordinal);
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }
}
