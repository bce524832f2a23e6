using System.Net;

namespace Pacer.Scenarios;

public sealed class PodVolumeScenarios(OneNode cluster) : PodScenario<OneNode>(cluster)
{
    private const string Sleep = "exec sleep 1000";
    private const string Persistent = "\"volumes\":[{\"name\":\"keep\",\"persistent\":{\"size\":16}}]";
    private const string Mounted = "\"volumeMounts\":[{\"name\":\"keep\",\"mountPath\":\"data\"}]";

    [Fact(DisplayName = "POD-04: a pod with a persistent volume becomes stable")]
    public async Task POD_04()
    {
        await DeployAsync(Pod("/pod", Persistent, Container("one", Sleep, Mounted)));
        var volume = Assert.Single(Instances(await StableAsync("/pod")).Single()["localVolumes"]!.AsArray())!;
        Assert.StartsWith("pod#keep#", volume["persistenceId"]!.ToString());
    }

    [Fact(DisplayName = "POD-22: a wiped instance is followed by a new one with a new volume")]
    public async Task POD_22()
    {
        await DeployAsync(Pod("/pod", Persistent, Container("one", Sleep, Mounted)));
        var before = Instances(await StableAsync("/pod")).Single();
        await DeleteInstanceAsync(before, "?wipe=true");
        var after = await Waiting.ForAsync(
            async () => Instances(await StatusAsync("/pod")) is [var one] && Id(one) != Id(before) && one["status"]!.ToString() == "STABLE" ? one : null,
            "a new instance is stable");
        Assert.NotEqual(before["localVolumes"]![0]!["uuid"]!.ToString(), after["localVolumes"]![0]!["uuid"]!.ToString());
    }

    [Fact(DisplayName = "SYS-POD-19: what one container writes into a persistent volume, the other serves")]
    public async Task SYS_POD_19()
    {
        await DeployAsync(Pod("/pod", Persistent,
            Container("writer", "printf shared > data/page; " + Sleep, Mounted),
            Container("server", "cd data && exec python3 -m http.server $ENDPOINT_WEB --bind 127.0.0.1", Mounted + """
                ,"endpoints":[{"name":"web","hostPort":0}]
                """)));
        var server = Containers(Instances(await StableAsync("/pod")).Single()).Single(container => container["name"]!.ToString() == "server");
        using var http = new HttpClient();
        await Waiting.UntilAsync(async () =>
        {
            try
            {
                return await http.GetStringAsync($"http://127.0.0.1:{server["endpoints"]![0]!["allocatedHostPort"]}/page") == "shared";
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the page is served");
    }

    [Fact(DisplayName = "SECRET-07: a secret that a pod mounts as a file has its content")]
    public async Task SECRET_07()
    {
        (await Cluster.SendAsync("PUT", "/v2/secrets/pod-file", """{"value":"open sesame"}""")).Expect(HttpStatusCode.Created);
        await DeployAsync(Pod("/pod", "\"secrets\":{\"key\":{\"source\":\"pod-file\"}}", "\"volumes\":[{\"name\":\"key\",\"secret\":\"key\"}]",
            Container("one", "stat -f -c %T key > kind; cat key > seen; " + Sleep, "\"volumeMounts\":[{\"name\":\"key\",\"mountPath\":\"key\"}]")));
        var sandbox = Sandbox(TaskIds(Instances(await StableAsync("/pod")).Single())[0]);
        await Waiting.UntilAsync(async () => File.Exists(sandbox + "/seen") && await File.ReadAllTextAsync(sandbox + "/seen") == "open sesame", "the container has the secret");
        Assert.Equal("tmpfs", (await File.ReadAllTextAsync(sandbox + "/kind")).Trim());
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Cluster.Nodes[0].Options.WorkDir, "tasks")))
        {
            Assert.DoesNotContain("sesame", await File.ReadAllTextAsync(file));
        }
        (await Cluster.SendAsync("DELETE", "/v2/secrets/pod-file")).Expect(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task App_SecretAsAFile_IsReadOnlyByItsUser()
    {
        (await Cluster.SendAsync("PUT", "/v2/secrets/app-file", """{"value":"open sesame"}""")).Expect(HttpStatusCode.Created);
        await Cluster.DeployAsync(App("/app", "stat -c '%a %U' word > mode; cat word > seen; " + Sleep, """
            "user":"nobody","secrets":{"s":{"source":"app-file"}},"container":{"type":"MESOS","volumes":[{"containerPath":"word","secret":"s"}]}
            """));
        var sandbox = Sandbox(Assert.Single(await Cluster.RunningAsync("/app", 1)));
        await Waiting.UntilAsync(async () => File.Exists(sandbox + "/seen") && await File.ReadAllTextAsync(sandbox + "/seen") == "open sesame", "the task has the secret");
        Assert.Equal("400 nobody", (await File.ReadAllTextAsync(sandbox + "/mode")).Trim());
        (await Cluster.SendAsync("DELETE", "/v2/secrets/app-file")).Expect(HttpStatusCode.NoContent);
    }
}
