using System.Net;

namespace Pacer.Scenarios;

public sealed class SecretScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private const string Uses = """ "secrets":{"s":{"source":"safe/word"}},"env":{"WORD":{"secret":"s"}}""";

    [Fact(DisplayName = "SECRET-03: the variable that names a stored secret has its content")]
    public async Task SECRET_03()
    {
        await Cluster.SendAsync("PUT", "/v2/secrets/safe/word", """{"value":"open sesame"}""");
        await Cluster.DeployAsync(App("/safe/door", "printf %s \"$WORD\" > seen; exec sleep 1000", Uses));
        var task = Assert.Single(await Cluster.TasksAsync("/safe/door"));
        var sandbox = Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", task["id"]!.ToString());
        await Waiting.UntilAsync(async () => File.Exists(Path.Combine(sandbox, "seen")) && await File.ReadAllTextAsync(Path.Combine(sandbox, "seen")) == "open sesame", "the task has seen the secret");

        foreach (var path in new[] { "/v2/apps", "/v2/apps/safe/door", "/v2/tasks", "/v2/groups", "/v2/secrets" })
        {
            Assert.DoesNotContain("sesame", (await Cluster.SendAsync("GET", path)).Body!.ToJsonString());
        }
        Assert.All(Cluster.Events.All, e => Assert.DoesNotContain("sesame", e.Body.ToJsonString()));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Cluster.Nodes[0].Options.WorkDir, "tasks")))
        {
            Assert.DoesNotContain("sesame", await File.ReadAllTextAsync(file));
        }
    }

    [Fact(DisplayName = "SECRET-04: a secret outside of the app's path is refused")]
    public async Task SECRET_04()
    {
        var refused = (await Cluster.SendAsync("POST", "/v2/apps", App("/elsewhere", more: Uses))).Expect(HttpStatusCode.UnprocessableEntity);
        Assert.Contains("not accessible", refused.Body!.ToJsonString());
    }

    [Fact(DisplayName = "A task whose secret is missing fails with its name, and runs when it is stored")]
    public async Task MissingSecret_FailsTheTaskUntilItIsStored()
    {
        await Cluster.SendAsync("DELETE", "/v2/secrets/safe/word");
        var deployment = await Cluster.CreateAsync(App("/safe/late", "test \"$WORD\" = now && exec sleep 1000", Uses));
        await Cluster.UntilAppAsync("/safe/late", app => app["lastTaskFailure"]?["message"]?.ToString().Contains("'safe/word' does not exist", StringComparison.Ordinal) == true, "the failure names the secret");
        await Cluster.SendAsync("PUT", "/v2/secrets/safe/word", """{"value":"now"}""");
        await Cluster.SucceedsAsync(deployment);
    }
}
