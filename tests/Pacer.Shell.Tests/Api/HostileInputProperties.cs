using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Launching;
using Pacer.Server.Api.Responses;

namespace Pacer.Shell.Tests.Api;

/// <summary>Whatever is sent: it is either refused with a 4xx, or it becomes an app that can be shown, compared and launched.</summary>
public sealed class HostileInputProperties
{
    private static readonly string EveryMember = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Api", "every-member.json"));

    private const string Plain = """
        {"id":"/music/player","cmd":"play","env":{"A":"1"},"labels":{"a":"b"},"healthChecks":[{"protocol":"HTTP","path":"/"}],"cpus":0.5,
         "constraints":[["hostname","UNIQUE"]],"fetch":[{"uri":"http://a/b.tgz"}],"upgradeStrategy":{"minimumHealthCapacity":1,"maximumOverCapacity":1},
         "unreachableStrategy":{"inactiveAfterSeconds":1,"expungeAfterSeconds":2},"networks":[{"mode":"container/bridge"}],
         "container":{"type":"MESOS","portMappings":[{"containerPort":80,"name":"http"}],"volumes":[]},"resourceLimits":{"cpus":"unlimited"}}
        """;

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "1.5", "1e999", "-1e999", "9223372036854775808", "65536", "2147483648", "1e-320", "\"\"", "\"x\"", "\"HOST\"",
        "\"unlimited\"", "\"disabled\"", "\"/a/b\"", "\"\\u0000\"", "\"é\"", "[]", "[[]]", "[null]", "[\"a\",\"LIKE\",\"(\"]", "{}", "{\"secret\":\"s\"}", "{\"a\":null}",
        "{\"type\":\"MESOS\"}", "[{}]", "[{\"name\":\"x\"}]", "{\"docker\":{\"image\":\"i\",\"network\":\"USER\"}}",
    ];

    [Fact]
    public void Mutation_OfAnApp_IsRefusedOrUsable() =>
        (from text in Gen.Int[0, 3].Select(n => n == 0 ? EveryMember : Plain)
         from picks in Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, Values.Length - 1], Gen.Int[0, 3]).Array[1, 6]
         select (text, picks))
        .Sample(t => Holds(Mutate(t.text, t.picks)), iter: 5_000);

    [Fact]
    public void Bytes_CutOrChanged_AreRefusedOrUsable() =>
        (from start in Gen.Int[0, Plain.Length]
         from length in Gen.Int[0, 40]
         from noise in Gen.Byte.Array[0, 8]
         select (start, length, noise))
        .Sample(
            t =>
            {
                var bytes = Encoding.UTF8.GetBytes(Plain).ToList();
                bytes.RemoveRange(Math.Min(t.start, bytes.Count), Math.Min(t.length, bytes.Count - Math.Min(t.start, bytes.Count)));
                bytes.InsertRange(Math.Min(t.start, bytes.Count), t.noise);
                Holds([.. bytes]);
            },
            iter: 5_000);

    private static void Holds(byte[] bytes)
    {
        App app;
        try
        {
            using var body = RequestBody.Parse(bytes);
            AppReader.CheckSchema(body.RootElement, AppSchema.App);
            var reader = new AppReader(new AppRules());
            app = reader.ReadComplete(body.RootElement, id: null);
            reader.ReadUpdate(body.RootElement, AppConversion.ToRunSpec(app));
        }
        catch (ApiException refused)
        {
            Assert.Contains(refused.Error.Status, (int[])[400, 422]);
            Assert.NotEmpty(refused.Error.Message);
            return;
        }
        var spec = AppConversion.ToRunSpec(app);
        var again = AppConversion.ToRunSpec(new AppReader(new AppRules()).ReadComplete(
            JsonDocument.Parse(AppRendering.Json(spec)).RootElement, id: null));
        Assert.True(spec.SameConfigAs(again), "shown and sent back, it is the same");
        Assert.Equal(spec.Instances, again.Instances);
        TaskSpecBuilder.Build(spec, Placed(spec), new AppRules(), _ => []);
    }

    private static Instance Placed(RunSpec spec)
    {
        var ports = Enumerable.Range(31000, spec.Ports.Count(p => p.HostPort is not null));
        return new Instance(
            InstanceId.Create(spec.Id, "u"), spec.Version, spec.Version, Goal.Running, Condition.Provisioned, default, default, default, 1, "*",
            new Placement(new AgentId("a"), "h", null, null, ValueList.From(ports), spec.Resources), [], null, false, null, null, null, null);
    }

    private static byte[] Mutate(string text, (int Where, int Value, int How)[] picks)
    {
        var root = JsonNode.Parse(text)!;
        foreach (var (where, value, how) in picks)
        {
            var places = Containers(root).ToList();
            var place = places[where % places.Count];
            var node = JsonNode.Parse(Values[value].Contains("e999", StringComparison.Ordinal) ? "null" : Values[value]);
            var raw = Values[value].Contains("e999", StringComparison.Ordinal);
            if (place is JsonObject { Count: > 0 } obj)
            {
                var key = obj.ElementAt(where % obj.Count).Key;
                switch (how)
                {
                    case 0: obj.Remove(key); break;
                    case 1: obj[key + "x"] = node; break;
                    default: obj[key] = raw ? JsonValue.Create("\u0001" + Values[value]) : node; break;
                }
            }
            else if (place is JsonArray { Count: > 0 } list)
            {
                switch (how)
                {
                    case 0: list.RemoveAt(where % list.Count); break;
                    case 1: list.Add(node); break;
                    default: list[where % list.Count] = node; break;
                }
            }
        }
        // Numbers that a JsonNode can't hold travel as marked texts.
        return Encoding.UTF8.GetBytes(root.ToJsonString().Replace("\"\\u00011e999\"", "1e999").Replace("\"\\u0001-1e999\"", "-1e999"));
    }

    private static IEnumerable<JsonNode> Containers(JsonNode node)
    {
        yield return node;
        var children = node switch
        {
            JsonObject obj => obj.Select(p => p.Value),
            JsonArray list => list,
            _ => [],
        };
        foreach (var inner in children.Where(c => c is JsonObject or JsonArray).SelectMany(c => Containers(c!)))
        {
            yield return inner;
        }
    }
}
