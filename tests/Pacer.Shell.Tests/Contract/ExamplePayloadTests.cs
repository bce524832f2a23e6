using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Json;
using Pacer.Shell.Tests.Api;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Contract;

/// <summary>Marathon's example payloads: read without loss, and answered as Marathon would.</summary>
public sealed class ExamplePayloadTests
{
    /// <summary>Requests: the path to send them to, and the status that they get.</summary>
    public static TheoryData<string, string, string, int> Requests { get; } = new()
    {
        { "app-check-http-example.json", "POST", "/v2/apps", 201 },
        { "apps_create.json", "PUT", "/v2/apps", 200 },
        { "app_patch.json", "PATCH", "/v2/apps/foo", 200 },
        { "apps_patch.json", "PATCH", "/v2/apps", 404 },
        // It shows every field, among them such as exclude each other: ports twice, an address for a Docker container, cmd and args.
        { "app.json", "POST", "/v2/apps", 422 },
        // It is an answer: its version may not stand beside other members in a request.
        { "group.json", "PUT", "/v2/groups", 422 },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_SentToTheServer_IsUnderstood(string file, string method, string path, int status)
    {
        var json = Read(file);
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/foo","cmd":"sleep 1","instances":0}""");
        var answer = await api.SendAsync(new HttpMethod(method), path, json);
        Assert.True((HttpStatusCode)status == answer.Status, answer.Text);
    }

    [Theory]
    [InlineData("app.json")]
    [InlineData("app-check-http-example.json")]
    [InlineData("app_patch.json")]
    [InlineData("apps_create.json")]
    [InlineData("apps_patch.json")]
    [InlineData("group.json")]
    public void Request_ReadAndWritten_IsTheSame(string file)
    {
        var given = JsonNode.Parse(Read(file))!;
        using var body = JsonDocument.Parse(Read(file));
        var shape = given is JsonArray ? AppSchema.Apps : file == "group.json" ? (Shape)GroupSchema.Update : AppSchema.App;
        Assert.DoesNotContain(AppReader.CheckSchema(body.RootElement, shape), warning => warning.StartsWith("unknown", StringComparison.Ordinal));
        foreach (var app in Apps(given))
        {
            AssertSame(app, JsonSerializer.SerializeToNode(app.Deserialize(WireJson.Plain.App), WireJson.Plain.App)!);
        }
    }

    [Fact]
    public void Answers_ReadAndWritten_AreTheSame()
    {
        Roundtrip("app_task.json", WireJson.Plain.SingleTask);
        Roundtrip("app_tasks.json", WireJson.Plain.TaskList);
        Roundtrip("tasks.json", WireJson.Plain.TaskList);
        Roundtrip("deployments.json", ClusterJson.Plain.ListRunningDeployment);
        Roundtrip("deployment_steps.json", ClusterJson.Plain.DeploymentPlanInfo);
        Roundtrip("deployments_result.json", WireJson.Plain.DeploymentResult);
        Roundtrip("app_list.json", WireJson.Plain.AppList);
    }

    [Fact]
    public async Task Info_OfThisServer_HasEveryMemberOfTheExample()
    {
        var example = JsonNode.Parse(Read("info.json"))!;
        await using var server = await RunningServer.StartAsync();
        AssertHasMembers(example, JsonNode.Parse(await server.Http.GetStringAsync("/v2/info"))!, "");
    }

    [Fact]
    public async Task Queue_OfThisServer_HasEveryMemberOfTheExample()
    {
        var example = JsonNode.Parse(Read("queue.json"))!["queue"]![0]!.AsObject();
        example["app"]!.AsObject().Clear();
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a","cmd":"sleep 1"}""");
        var queue = JsonNode.Parse(await server.Http.GetStringAsync("/v2/queue?embed=lastUnusedOffers"))!["queue"]![0]!;
        // Nothing was asked yet, so no offer has a moment or content.
        example["processedOffersSummary"]!.AsObject().Remove("lastUnusedOfferAt");
        example["processedOffersSummary"]!.AsObject().Remove("lastUsedOfferAt");
        AssertHasMembers(example, queue, "");
    }

    private static IEnumerable<JsonNode> Apps(JsonNode node) => node switch
    {
        JsonArray list => list.SelectMany(item => Apps(item!)),
        JsonObject group when group["groups"] is not null || group["apps"] is not null =>
            (group["apps"]?.AsArray() ?? []).Concat(group["groups"]?.AsArray() ?? []).SelectMany(item => Apps(item!)),
        _ => [node],
    };

    private static void Roundtrip<T>(string file, JsonTypeInfo<T> type)
    {
        var given = JsonNode.Parse(Read(file))!;
        AssertSame(given, JsonSerializer.SerializeToNode(given.Deserialize(type)!, type)!);
    }

    /// <summary>Equal, where null and absence are one, and numbers are compared as such.</summary>
    private static void AssertSame(JsonNode given, JsonNode written) => Assert.Equal(Plain(given)?.ToJsonString(), Plain(written)?.ToJsonString());

    private static JsonNode? Plain(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Where(member => member.Value is not null && member.Key != "readinessCheckResults")
            .OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Plain(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Plain)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => JsonValue.Create((double)JsonSerializer.Deserialize<double>(value.ToJsonString())),
        _ => node?.DeepClone(),
    };

    private static void AssertHasMembers(JsonNode example, JsonNode ours, string at)
    {
        if (example is JsonObject expected)
        {
            foreach (var (name, value) in expected)
            {
                Assert.True(ours is JsonObject members && members.ContainsKey(name), $"{at}/{name}");
                if (value is not null && ours[name] is not null)
                {
                    AssertHasMembers(value, ours[name]!, $"{at}/{name}");
                }
            }
        }
        else if (example is JsonArray { Count: > 0 } items && ours is JsonArray { Count: > 0 } ourItems)
        {
            AssertHasMembers(items[0]!, ourItems[0]!, at + "[]");
        }
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(RamlLibrary.Open().Examples, file));
}
