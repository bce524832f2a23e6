using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Json;
using Pacer.Shell.Tests.Api;

namespace Pacer.Shell.Tests.Contract;

/// <summary>
/// Definitions drawn from the tables: valid ones are accepted and come back unchanged, invalid ones are refused with the place of the
/// mistake, and nothing is ever answered with a 5xx. <c>PACER_FUZZ=100</c> draws a hundred times as many.
/// </summary>
public sealed class DefinitionProperties
{
    private static readonly string[] Base = ["id", "cmd"];

    // Old forms make sense alone; together with today's they clash, which is a mistake of its own.
    private static readonly string[] OldForms = ["uris", "ports", "ipAddress"];

    [Fact]
    public async Task ValidApp_SentBack_ChangesNothing()
    {
        await using var api = await ApiHost.StartAsync();
        var accepted = 0;
        var members = 0;
        await ShapeValues.Record(AppSchema.App, 0, Base).SampleAsync(
            async app =>
            {
                app["id"] = "/a";
                app["cmd"] = "sleep 1";
                foreach (var old in OldForms.Where(old => app.ContainsKey(old) && app.Count % 3 != 0))
                {
                    app.Remove(old);
                }
                await api.DeleteAsync("/v2/apps/a");
                await CreateAsync(api, app);
                accepted++;
                members += app.Count;
                await SentBackAsync(api, "/v2/apps/a", "app");
            },
            iter: 150 * Fuzzing.Scale, threads: 1);
        Assert.True(members > 5 * accepted, "what is accepted has more than an id and a command");
    }

    [Fact]
    public async Task ValidGroup_SentBack_ChangesNothing()
    {
        await using var api = await ApiHost.StartAsync();
        var app = ShapeValues.Record(AppSchema.App, 0, Base);
        await Gen.Select(app.Array[0, 3], Gen.Int[0, 3]).SampleAsync(
            async drawn =>
            {
                var (apps, depth) = drawn;
                var good = new List<JsonObject>();
                for (var i = 0; i < apps.Length; i++)
                {
                    apps[i]["id"] = "/a";
                    apps[i]["cmd"] = "sleep 1";
                    OldForms.ToList().ForEach(old => apps[i].Remove(old));
                    apps[i].Remove("dependencies");
                    await CreateAsync(api, apps[i]);
                    await api.DeleteAsync("/v2/apps/a");
                    apps[i]["id"] = $"app{i}";
                    good.Add(apps[i]);
                }
                var group = new JsonObject { ["id"] = "/g", ["apps"] = new JsonArray([.. good.Select(a => a.DeepClone())]) };
                for (var i = 0; i < depth; i++)
                {
                    group = new JsonObject { ["id"] = i == depth - 1 ? "/g" : $"g{i}", ["groups"] = new JsonArray(Renamed(group, i)) };
                }
                var created = await api.PostAsync("/v2/groups?force=true", group.ToJsonString());
                Assert.True(created.Status == HttpStatusCode.Created, created.Text + group.ToJsonString());
                await SentBackAsync(api, "/v2/groups/g", null);
                Assert.Equal(HttpStatusCode.OK, (await api.DeleteAsync("/v2/groups/g?force=true")).Status);
            },
            iter: 40 * Fuzzing.Scale, threads: 1);

        static JsonObject Renamed(JsonObject group, int i)
        {
            var copy = (JsonObject)group.DeepClone();
            copy["id"] = $"inner{i}";
            return copy;
        }
    }

    [Fact]
    public async Task BrokenApp_OneField_IsRefusedWithItsPath() =>
        await RefusesAsync("POST", "/v2/apps", AppSchema.App, new JsonObject { ["id"] = "/a", ["cmd"] = "sleep 1" });

    [Fact]
    public async Task BrokenGroup_OneField_IsRefusedWithItsPath() => await RefusesAsync("PUT", "/v2/groups", GroupSchema.Update, []);

    private static async Task RefusesAsync(string method, string path, Shape.Record shape, JsonObject basis)
    {
        await using var api = await ApiHost.StartAsync();
        var cases = 0;
        foreach (var (body, place, code) in ShapeValues.Broken(shape, basis))
        {
            cases++;
            var answer = await api.SendAsync(new HttpMethod(method), path, body.ToJsonString());
            Assert.True(answer.Status == HttpStatusCode.UnprocessableEntity, $"{(int)answer.Status} for {body.ToJsonString()}: {answer.Text}");
            Assert.True(answer.Details.TryGetValue(place, out var errors) && errors.Contains(code), $"not {code} at {place}: {body.ToJsonString()}: {answer.Text}");
        }
        Assert.True(cases > 100, $"only {cases} cases");
    }

    // Creates the app, leaving out what a rule objects to: no table knows which members exclude each other.
    private static async Task CreateAsync(ApiHost api, JsonObject app)
    {
        while (true)
        {
            var answer = await api.PostAsync("/v2/apps?force=true", app.ToJsonString());
            if (answer.Status == HttpStatusCode.Created)
            {
                return;
            }
            Assert.True(answer.Status == HttpStatusCode.UnprocessableEntity, $"{(int)answer.Status} for {app.ToJsonString()}: {answer.Text}");
            var removed = answer.Json["details"] is JsonArray details
                ? details.Select(detail => detail!["path"]!.ToString().Split('/', '(')[1]).Select(name => name.Length == 0 ? "args" : name).Where(app.Remove).ToList()
                : OldForms.Append("container").Where(app.Remove).ToList();
            if (removed.Count == 0)
            {
                // A rule may speak of what a member is missing: then it is the one that asks for it.
                removed = [.. ((string[])[.. OldForms, "container", "networks", "healthChecks", "check", "readinessChecks", "env", "labels", "instances"]).Where(app.Remove).Take(1)];
            }
            Assert.True(removed.Count > 0, $"{app.ToJsonString()}: {answer.Text}");
        }
    }

    private static async Task SentBackAsync(ApiHost api, string path, string? member)
    {
        var before = await ReadAsync();
        var sent = (JsonObject)before.DeepClone();
        // In a partial update a version asks to go back to it.
        sent.Remove("version");
        RemoveReadOnly(sent);
        foreach (var query in member is null ? (string[])["?force=true"] : ["?force=true", "?force=true&partialUpdate=false"])
        {
            var answer = await api.PutAsync(path + query, sent.ToJsonString());
            Assert.True(answer.Status == HttpStatusCode.OK, $"{(int)answer.Status}: {answer.Text} for {sent.ToJsonString()}");
            var after = await ReadAsync();
            Assert.Equal(before.ToJsonString(), after.ToJsonString());
        }

        async Task<JsonNode> ReadAsync()
        {
            var answer = await api.GetAsync(path);
            Assert.Empty(AnswerContract.Problems("GET", path, (int)answer.Status, JsonDocument.Parse(answer.Text).RootElement));
            var node = member is null ? answer.Json : answer.Json[member]!;
            // Which deployment is under way is no part of the definition.
            (node as JsonObject)?.Remove("deployments");
            if (member is null)
            {
                Versionless(node);
            }
            return node;
        }
    }

    // Groups are stamped by every change, also by one that changes nothing; apps are not.
    private static void Versionless(JsonNode? group)
    {
        (group as JsonObject)?.Remove("version");
        foreach (var child in group?["groups"]?.AsArray() ?? [])
        {
            Versionless(child);
        }
    }

    private static void RemoveReadOnly(JsonObject node)
    {
        node.Remove("pods");
        foreach (var child in node["groups"] as JsonArray ?? [])
        {
            RemoveReadOnly((JsonObject)child!);
        }
        // The role switch stands on top-level groups only, where it may stay as it is.
    }
}
