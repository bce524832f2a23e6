using System.Diagnostics;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Requests through a balancer while the tasks behind it come and go.</summary>
public sealed class LoadBalancerTests
{
    [Fact]
    [Trait("main-job", "yes")]
    public async Task TasksComeAndGo_UnderLoad_NoRequestFails()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        await using var cluster = await Cluster.StartAsync("--cpus", "4", "--lb", "off");
        using var balancer = PacerProcess.Start("lb", "--server", cluster.Api.Url, "--lb-http", "127.0.0.1:0", "--lb-https", "off", "--lb-appid", "off", "--lb-status", "127.0.0.1:0", "--lb-service-ports", "off");
        var address = (await balancer.WaitForAsync(@"Load balancer for group external: (http \S+); statistics")).Split(' ')[1];
        using var load = await Upheaval.OfTasksAsync(cluster, address, instances: 4);

        await load.StopAsync();
        load.Check("the whole test");
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Served} requests");
        await balancer.TerminateAsync();
    }

    [Fact]
    public async Task Up_ItsOwnBalancer_ServesAnAppAndTellsItsStatus()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        await using var cluster = await Cluster.StartAsync("--lb-http", "127.0.0.1:0", "--lb-https", "127.0.0.1:0", "--lb-appid", "127.0.0.1:0", "--lb-status", "127.0.0.1:0");
        var places = await cluster.Up.WaitForAsync(@"Load balancer for group external: (.*)");
        var http = Regex.Match(places, @"http (\S+),").Groups[1].Value;
        var status = Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value;
        await cluster.Api.PostAppAsync("""
            {"id":"/web","cmd":"exec python3 -m http.server $PORT0","cpus":0.2,"mem":64,"portDefinitions":[{"port":0}],
             "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test","HAPROXY_0_BACKEND_HEAD":"  acl internal src 10.0.0.0/8"}}
            """);
        using var load = new Load(http, "web.test", clients: 0);
        await Api.Until(async () => (await load.GetAsync()).Contains("Directory listing", StringComparison.Ordinal), "the app answers");
        var shown = (await cluster.PacerAsync("lb", "status", "--lb-status", status)).Expect(0).Output;
        Assert.Matches(@"/web +web\.test :\d+ +web\.instance-\S+ +127\.0\.0\.1:\d+ +UP", shown);
        Assert.Contains("warning: /web: HAPROXY_0_BACKEND_HEAD: 'acl internal src 10.0.0.0/8' has no effect: it is raw text for HAProxy and can't be translated.", shown);
    }

    [Fact]
    public async Task LoadBalancingPage_ItsExamples_Work()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3") && File.Exists("/usr/bin/curl"), "needs python3 and curl");
        await using var cluster = await Cluster.StartAsync("--lb-http", "127.0.0.1:0", "--lb-https", "127.0.0.1:0", "--lb-appid", "127.0.0.1:0", "--lb-status", "127.0.0.1:0");
        var places = await cluster.Up.WaitForAsync(@"Load balancer for group external: (.*)");
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/load-balancing.md"));
        var folder = Directory.CreateDirectory(Path.Combine(cluster.DataDirectory, "examples")).FullName;
        foreach (Match file in Regex.Matches(page, "`(?<file>[a-z-]+\\.json)`:\n\n```json\n(?<json>.*?)```", RegexOptions.Singleline))
        {
            await File.WriteAllTextAsync(Path.Combine(folder, file.Groups["file"].Value), file.Groups["json"].Value);
        }
        var scripts = Regex.Matches(page, "```sh\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value).ToList();
        Assert.True(scripts.Count >= 2);
        var script = string.Concat(scripts)
            .Replace("127.0.0.1:80", Regex.Match(places, @"http (\S+),").Groups[1].Value, StringComparison.Ordinal)
            .Replace("127.0.0.1:9090", Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value, StringComparison.Ordinal)
            .Replace("10104", Cluster.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var start = PacerProgram.StartInfo(cluster.Api.Url);
        (start.FileName, start.WorkingDirectory) = ("/bin/bash", folder);
        start.Environment["PACER_LB_STATUS"] = Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value;
        start.ArgumentList.Add("-ec");
        start.ArgumentList.Add($"pacer() {{ '{PacerProgram.Path}' \"$@\" </dev/null; }}\nset -x\n{script}");
        using var shell = Process.Start(start)!;
        shell.StandardInput.Close();
        var output = shell.StandardOutput.ReadToEndAsync();
        var error = shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        Assert.True(shell.ExitCode == 0, $"{await output}\n{await error}");
    }
}
