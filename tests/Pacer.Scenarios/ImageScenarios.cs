using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pacer.Shell.Tests.Images;

namespace Pacer.Scenarios;

public sealed partial class ImageScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private static JsonArray Words(params string[] words) => new([.. words.Select(word => JsonValue.Create(word))]);

    private async Task SkipWithoutImagesAsync()
    {
        // The node may be just about to join.
        var nodes = await Waiting.ForAsync(
            async () => (await Cluster.SendAsync("GET", "/v2/nodes")).Expect(HttpStatusCode.OK).Body is { } body
                && body.ToJsonString().Contains("\"runtimes\"", StringComparison.Ordinal) ? body : null,
            "the node joins");
        Assert.SkipUnless(nodes.ToJsonString().Contains("mesos-image", StringComparison.Ordinal), "this machine does not run images (root, crun, conmon, overlayfs)");
    }

    private static string Image(string id, string image, string more = "") =>
        $$"""{"id":"{{id}}","cpus":0.01,"mem":32,"taskKillGracePeriodSeconds":1,"container":{"type":"MESOS","docker":{"image":"{{image}}"{{more}}} } }""";

    private async Task<string> OutputAsync(string app)
    {
        var id = Assert.Single(await Cluster.RunningAsync(app, 1));
        var file = Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", id, "stdout");
        await Waiting.UntilAsync(async () => (await File.ReadAllTextAsync(file)).EndsWith('\n'), $"{app} prints a line");
        return await File.ReadAllTextAsync(file);
    }

    [Fact(DisplayName = "UCR-02: an image's own command runs when the app names none")]
    public async Task UCR_02()
    {
        await SkipWithoutImagesAsync();
        await using var registry = await TestRegistry.StartAsync();
        await TestImage.Busybox(new JsonObject { ["Cmd"] = Words("sh", "-c", "echo from the image; exec sleep 1000") }).PushAsync(registry, "ucr");
        var answer = (await Cluster.SendAsync("POST", "/v2/apps", Image("/ucr", registry.Host + "/ucr"))).Expect(HttpStatusCode.Created);
        Assert.False(answer.Response.Headers.Contains("X-Pacer-Warning"));
        await Cluster.SucceedsAsync(answer.Deployment);
        Assert.Equal("from the image\n", await OutputAsync("/ucr"));
    }

    [Fact(DisplayName = "SECRET-01: a private image is pulled with the login of a pull secret")]
    public async Task SECRET_01()
    {
        await SkipWithoutImagesAsync();
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await TestImage.Busybox(new JsonObject { ["Cmd"] = Words("sleep", "1000") }).PushAsync(registry, "mine");
        (await Cluster.SendAsync("PUT", "/v2/secrets/login", new JsonObject { ["value"] = registry.DockerConfig }.ToJsonString())).Expect(HttpStatusCode.Created);
        var app = JsonNode.Parse(Image("/private", registry.Host + "/mine", ""","pullConfig":{"secret":"pull"}"""))!;
        app["secrets"] = new JsonObject { ["pull"] = new JsonObject { ["source"] = "login" } };
        await Cluster.DeployAsync(app.ToJsonString());
        Assert.All(Directory.EnumerateFiles(Cluster.Nodes[0].Options.WorkDir, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(file => file.Contains("/tasks/", StringComparison.Ordinal)), file => Assert.DoesNotContain(TestRegistry.Authorization, File.ReadAllText(file), StringComparison.Ordinal));
        (await Cluster.SendAsync("DELETE", "/v2/secrets/login")).Expect(HttpStatusCode.NoContent);
    }

    [Fact(DisplayName = "SECCOMP-01: an app with a seccomp profile of the node runs under it")]
    public async Task SECCOMP_01()
    {
        await SkipWithoutImagesAsync();
        var profiles = Directory.CreateDirectory(Cluster.Nodes[0].Options.SeccompProfiles!).FullName;
        File.WriteAllText(Path.Combine(profiles, "strict"), """
            {"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[],"includes":{},"excludes":{} }]}
            """);
        const string command = "mkdir made 2>/dev/null && echo made || echo refused; exec sleep 1000";
        await Cluster.DeployAsync(App("/filtered", command, """ "container":{"type":"MESOS","linuxInfo":{"seccomp":{"profileName":"strict","unconfined":false} } }"""));
        Assert.Equal("refused\n", await OutputAsync("/filtered"));
        await Cluster.DeployAsync(App("/free", command, """ "container":{"type":"MESOS","linuxInfo":{"seccomp":{"unconfined":true} } }"""));
        Assert.Equal("made\n", await OutputAsync("/free"));
    }

    [Fact(DisplayName = "The examples of the page on containers run as it says")]
    public async Task ContainersPage_ItsExamples_Run()
    {
        await SkipWithoutImagesAsync();
        await using var open = await TestRegistry.StartAsync();
        await using var closed = await TestRegistry.StartAsync(isPrivate: true);
        foreach (var registry in new[] { open, closed })
        {
            await TestImage.Busybox(new JsonObject { ["Entrypoint"] = Words("sh", "-c"), ["Cmd"] = Words("echo a word; exec sleep 1000") }).PushAsync(registry, "docs/word", "1");
        }
        await Cluster.SendAsync("PUT", "/v2/secrets/docs/login", new JsonObject { ["value"] = closed.DockerConfig }.ToJsonString());
        var expected = new Dictionary<string, string> { ["/docs/word"] = "a word\n", ["/docs/shell"] = "nobody\n", ["/docs/private"] = "a word\n" };
        var page = File.ReadAllText(Path.Combine(Repository(), "docs/containers.md"))
            .Replace("registry.example.com", open.Host, StringComparison.Ordinal).Replace("private.example.com", closed.Host, StringComparison.Ordinal);
        // The part on Docker containers is for a node with a daemon.
        var apps = JsonBlock().Matches(page[..page.IndexOf("## Docker containers", StringComparison.Ordinal)]).Select(match => JsonNode.Parse(match.Groups[1].Value)!).ToList();
        Assert.Equal(expected.Keys, apps.Select(app => app["id"]!.ToString()));
        foreach (var app in apps)
        {
            var answer = (await Cluster.SendAsync("POST", "/v2/apps", app.ToJsonString())).Expect(HttpStatusCode.Created);
            Assert.False(answer.Response.Headers.Contains("X-Pacer-Warning"));
            await Cluster.SucceedsAsync(answer.Deployment);
            Assert.StartsWith(expected[app["id"]!.ToString()], await OutputAsync(app["id"]!.ToString()), StringComparison.Ordinal);
        }
        await Cluster.SendAsync("DELETE", "/v2/secrets/docs/login");
    }

    private static string Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Pacer.slnx")))
        {
            directory = directory.Parent;
        }
        return directory.FullName;
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
