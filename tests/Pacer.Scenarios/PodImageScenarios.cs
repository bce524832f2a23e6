using System.Net;
using System.Text.Json.Nodes;
using Pacer.Shell.Tests.Images;

namespace Pacer.Scenarios;

public sealed class PodImageScenarios(OneNode cluster) : PodScenario<OneNode>(cluster)
{
    [Fact(DisplayName = "POD-09: an image's own entry point and command run when the container names none")]
    public async Task POD_09()
    {
        await SkipWithoutImagesAsync();
        await using var registry = await TestRegistry.StartAsync();
        var config = new JsonObject
        {
            ["Entrypoint"] = new JsonArray("sh", "-c"),
            ["Cmd"] = new JsonArray("echo from the image > /mnt/mesos/sandbox/text; exec sleep 1000"),
        };
        await TestImage.Busybox(config).PushAsync(registry, "pod");
        await DeployAsync(Pod("/pod", Container(registry.Host + "/pod")));
        var file = Path.Combine(Sandbox(TaskIds(Instances(await StableAsync("/pod")).Single())[0]), "text");
        await Waiting.UntilAsync(async () => File.Exists(file) && await File.ReadAllTextAsync(file) == "from the image\n", "the image's command runs");
    }

    [Fact(DisplayName = "SYS-POD-02: a pod with a private image is deployed with its pull secret")]
    public async Task SYS_POD_02()
    {
        await SkipWithoutImagesAsync();
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await TestImage.Busybox(new JsonObject { ["Cmd"] = new JsonArray("sleep", "1000") }).PushAsync(registry, "mine");
        var secret = new JsonObject { ["value"] = registry.DockerConfig }.ToJsonString();
        (await Cluster.SendAsync("PUT", "/v2/secrets/pod-login", secret)).Expect(HttpStatusCode.Created);
        await DeployAsync(Pod("/pod", "\"secrets\":{\"pull\":{\"source\":\"pod-login\"}}", Container(registry.Host + "/mine", ",\"pullConfig\":{\"secret\":\"pull\"}")));
        await StableAsync("/pod");
        (await Cluster.SendAsync("DELETE", "/v2/secrets/pod-login")).Expect(HttpStatusCode.NoContent);
    }

    private static string Container(string image, string more = "") =>
        "{\"name\":\"one\",\"resources\":{\"cpus\":0.1,\"mem\":32},\"lifecycle\":{\"killGracePeriodSeconds\":1},\"image\":{\"kind\":\"DOCKER\",\"id\":\""
        + image + "\"" + more + "}}";

    private async Task SkipWithoutImagesAsync()
    {
        var nodes = await Waiting.ForAsync(
            async () => (await Cluster.SendAsync("GET", "/v2/nodes")).Expect(HttpStatusCode.OK).Body is { } body
                && body.ToJsonString().Contains("\"runtimes\"", StringComparison.Ordinal) ? body : null,
            "the node joins");
        Assert.SkipUnless(nodes.ToJsonString().Contains("mesos-image", StringComparison.Ordinal), "this machine does not run images (root, crun, conmon, overlayfs)");
    }
}
