using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Virtual IPs and names with real containers, from the label to the answer.</summary>
public sealed class VipTests
{
    // Clusters of other test runs on this machine must not have the same.
    private static readonly string Name = $"web{Environment.ProcessId}";
    private static readonly string Address = $"10.255.{Environment.ProcessId / 250 % 250}.{1 + (Environment.ProcessId % 250)}";

    [Fact]
    public async Task VirtualIp_OfContainers_LeadsToHealthyOnes_FromEverywhere_AndKeepsConnections()
    {
        SkipWithoutNetworks();
        await using var cluster = await Cluster.StartAsync("--lb", "off");
        var added = await cluster.PacerAsync("app", "add", await FileAsync(cluster, $$"""
            {"id":"/web","cmd":"exec python3 -m http.server 8000","cpus":0.1,"mem":64,"instances":2,"networks":[{"mode":"container/bridge"}],
             "container":{"type":"MESOS","portMappings":[{"containerPort":8000,"labels":{"VIP_0":"/{{Name}}:80","VIP_1":"{{Address}}:8080","VIP_2":"/web:99999"} }]},
             "healthChecks":[{"protocol":"HTTP","gracePeriodSeconds":30,"intervalSeconds":1}]}
            """));
        Assert.Contains("has a port '99999' that is not a number from 1 to 65535", added.Expect(0).Error + added.Output);
        await WaitForBackendsAsync(cluster, 2);
        var listed = (await cluster.PacerAsync("vip", "ls")).Expect(0).Output;
        Assert.Contains($"{Name}.marathon.l4lb.thisdcos.directory", listed);
        Assert.Contains("warning: /web: label VIP_2 of port 0", listed);

        // The node; then a container by the name, which its resolver leads to Pacer's DNS: the way back to itself among them.
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero });
        for (var i = 0; i < 4; i++)
        {
            Assert.Contains("Directory listing", await http.GetStringAsync($"http://{Address}:8080/"));
        }
        var script = $"import urllib.request; [print(urllib.request.urlopen('http://{Name}.marathon.l4lb.thisdcos.directory:80', timeout=5).status) for _ in range(4)]";
        var task = (await cluster.Api.TasksAsync("TASK_RUNNING"))[0];
        var inside = (await cluster.PacerAsync("task", "exec", task, "--", "python3", "-c", script)).Expect(0).Output;
        Assert.Equal(4, Regex.Count(inside, "200"));
        Assert.Contains("127.", (await cluster.PacerAsync("task", "exec", task, "--", "python3", "-c",
            "import socket; print(socket.gethostbyname('web.marathon.mesos'))")).Expect(0).Output);

        using var held = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await held.ConnectAsync(IPAddress.Parse(Address), 8080);
        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", """{"instances":3}""");
        await WaitForBackendsAsync(cluster, 3);
        // Server and agent die; the kernel goes on, and the next ones take over.
        cluster.Up.KillAtOnce();
        Assert.Contains("Directory listing", await http.GetStringAsync($"http://{Address}:8080/"));
        await cluster.StartAgainAsync();
        await WaitForBackendsAsync(cluster, 3);
        await held.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.0\r\n\r\n"));
        var answer = new byte[100];
        Assert.StartsWith("HTTP/1.0 200", Encoding.ASCII.GetString(answer, 0, await held.ReceiveAsync(answer)));

        await cluster.Api.SendAsync(HttpMethod.Delete, "v2/apps/web");
        await Api.Until(async () => !await AnswersAsync(http), "the virtual IP is gone with its app");
    }

    [Fact]
    public async Task ServiceDiscoveryPage_ItsVirtualIp_Works()
    {
        SkipWithoutNetworks();
        await using var cluster = await Cluster.StartAsync("--lb", "off");
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/service-discovery.md"));
        page = page.Replace("10.255.7.7", Address, StringComparison.Ordinal).Replace("/web:80", $"/{Name}:80", StringComparison.Ordinal)
            .Replace("web.marathon.l4lb", $"{Name}.marathon.l4lb", StringComparison.Ordinal);
        var example = Regex.Match(page, "with `web\\.json`:\n\n```json\n(?<json>.*?)```\n\n```sh\n(?<sh>.*?)```", RegexOptions.Singleline);
        Assert.True(example.Success);
        var folder = Directory.CreateDirectory(Path.Combine(cluster.DataDirectory, "examples")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "web.json"), example.Groups["json"].Value);
        var lines = example.Groups["sh"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await ShellAsync(cluster, folder, lines[0]);
        await WaitForBackendsAsync(cluster, 1);
        var output = "";
        foreach (var line in lines[1..])
        {
            output += await ShellAsync(cluster, folder, line);
        }
        Assert.Contains("Directory listing", output);
        Assert.EndsWith("200\n", output);
    }

    private static async Task<string> ShellAsync(Cluster cluster, string folder, string line)
    {
        var start = PacerProgram.StartInfo(cluster.Api.Url);
        (start.FileName, start.WorkingDirectory) = ("/bin/bash", folder);
        start.ArgumentList.Add("-ec");
        start.ArgumentList.Add($"pacer() {{ '{PacerProgram.Path}' \"$@\" </dev/null; }}\n{line}");
        using var shell = Process.Start(start)!;
        shell.StandardInput.Close();
        var output = shell.StandardOutput.ReadToEndAsync();
        var error = shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(shell.ExitCode == 0, $"{line}\n{await output}\n{await error}");
        return await output;
    }

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await http.GetStringAsync($"http://{Address}:8080/", limit.Token);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Waits until so many tasks serve, and the node has heard of it.</summary>
    private static async Task WaitForBackendsAsync(Cluster cluster, int count)
    {
        await Api.Until(
            async () => (await cluster.Api.GetAsync("pacer/vips"))["vips"]!.AsArray() is { Count: 2 } vips
                && vips.All(vip => vip!["backends"]!.AsArray().Count(backend => (bool)backend!["serving"]!) == count),
            $"{count} tasks serve");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero });
        await Api.Until(() => AnswersAsync(http), "the node leads to them");
    }

    private static async Task<string> FileAsync(Cluster cluster, string json)
    {
        var file = Path.Combine(cluster.DataDirectory, "app.json");
        await File.WriteAllTextAsync(file, JsonNode.Parse(json)!.ToJsonString());
        return file;
    }

    private static void SkipWithoutNetworks()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipUnless(File.Exists("/usr/sbin/nft") && File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/python3"), "needs nftables, crun and python3");
    }
}
