using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Shell.Tests.Api;

/// <summary>Rules of the model that span versions or apps.</summary>
public sealed class ModelRuleTests
{
    private const string Volume =
        "\"container\":{\"type\":\"MESOS\",\"volumes\":[{\"containerPath\":\"e\",\"mode\":\"RW\",\"external\":{\"name\":\"data\",\"provider\":\"dvdi\",\"options\":{\"dvdi/driver\":\"rexray\"}SHARED}}]}";

    [Fact]
    public async Task ExternalVolume_OfAnotherApp_IsRefusedUnlessShared()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(App("/a", ""));
        var second = await api.PostAsync("/v2/apps", App("/b", ""));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, second.Status);
        Assert.Contains("'data'", second.Details["/container/volumes"][0]);
        await api.CreateAsync(App("/b", ",\"shared\":true"));
        Assert.Equal(HttpStatusCode.OK, (await api.DeleteAsync("/v2/apps/a")).Status);
        await api.CreateAsync(App("/c", ""));
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/apps/c", """{"instances":1}""")).Status);
    }

    [Fact]
    public async Task ExecutorResources_Changed_AreNoNewConfiguration()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a","cmd":"sleep 1","instances":0,"executorResources":{"cpus":0.5}}""");
        var before = await AppAsync(api);
        Assert.Equal(0.5, before["executorResources"]!["cpus"]!.GetValue<double>());
        Assert.Equal(32, before["executorResources"]!["mem"]!.GetValue<double>());
        await api.PutAsync("/v2/apps/a", """{"executorResources":{"cpus":0.7}}""");
        var after = await AppAsync(api);
        Assert.Equal(0.7, after["executorResources"]!["cpus"]!.GetValue<double>());
        Assert.Equal(before["version"]!.ToString(), after["version"]!.ToString());
        // An update that does not repeat them loses them, and changes nothing else.
        await api.PutAsync("/v2/apps/a", """{"instances":2}""");
        var scaled = await AppAsync(api);
        Assert.Null(scaled["executorResources"]);
        Assert.Equal(before["versionInfo"]!["lastConfigChangeAt"]!.ToString(), scaled["versionInfo"]!["lastConfigChangeAt"]!.ToString());
    }

    [Fact]
    public async Task Sets_WithDoubles_CountEachOnce()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""
            {"id":"/a","cmd":"sleep 1","instances":0,"constraints":[["hostname","UNIQUE"],["hostname","unique",""]],
             "healthChecks":[{"port":80},{"port":80,"protocol":"http"}]}
            """);
        var app = await AppAsync(api);
        Assert.Single(app["constraints"]!.AsArray());
        Assert.Single(app["healthChecks"]!.AsArray());
    }

    private static string App(string id, string shared) =>
        $$"""{"id":"{{id}}","cmd":"sleep 1","instances":0,{{Volume.Replace("SHARED", shared, StringComparison.Ordinal)}}}""";

    private static async Task<JsonNode> AppAsync(ApiHost api) => (await api.GetAsync("/v2/apps/a")).Json["app"]!;
}
