using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CsCheck;
using Pacer.Server.Api.Json;

namespace Pacer.Shell.Tests.Contract;

/// <summary>Values that a shape allows, drawn from the tables alone; and for each field, values that it must refuse.</summary>
internal static class ShapeValues
{
    private const int MaxDepth = 8;

    private static readonly string[] Ids = ["a", "/a", "web", "/shop/db", "../x", "a.b/c-d", "/0"];
    private static readonly string[] Names = ["a", "http", "a-b", "x9", "0"];
    private static readonly string[] NetworkNames = ["dcos", "a_b", "n-1"];
    private static readonly string[] Executors = ["", "//cmd", "/bin/run", "run"];

    // What no table says but a rule demands: without these hardly anything that is drawn would be valid.
    private static readonly Dictionary<string, Gen<JsonNode?>> Likely = new(StringComparer.Ordinal)
    {
        ["App.constraints"] = Gen.OneOf(
            """[["hostname","UNIQUE"]]""", """[["rack","cluster","a"],["@zone","GROUP_BY","2"]]""", """[["hostname","LIKE","node[0-9]+"]]""",
            """[["rack","MAX_PER","3"],["rack","MAX_PER","3"]]""", """[["a","IS","1.50"]]""", """[["hostname","UNIQUE",""]]""").Select(Parse),
        ["PersistentVolumeInfo.constraints"] = Gen.OneOf("[]", """[["path","LIKE","/x.*"]]""").Select(Parse),
        ["App.role"] = Gen.Const("*").Select(role => (JsonNode?)role),
        ["App.acceptedResourceRoles"] = Gen.Const("""["*"]""").Select(Parse),
        ["App.unreachableStrategy"] = Gen.OneOf("\"disabled\"", "\"Disabled\"", "{}", """{"inactiveAfterSeconds":5,"expungeAfterSeconds":5}""", """{"expungeAfterSeconds":9}""").Select(Parse),
        ["App.resourceLimits"] = Gen.OneOf("{}", """{"cpus":"unlimited"}""", """{"cpus":2e3,"mem":1e8}""", """{"mem":"UNLIMITED"}""").Select(Parse),
        ["App.version"] = Gen.Const((JsonNode?)null),
        ["App.portDefinitions"] = Gen.OneOf("[]", "[{}]", """[{"port":0,"name":"a"},{"port":10100,"protocol":"tcp,udp","labels":{"VIP_0":"x:1"}}]""").Select(Parse),
        ["App.networks"] = Gen.OneOf("[]", """[{"mode":"HOST"}]""", """[{"mode":"container/bridge","labels":{"a":"b"}}]""", """[{"name":"dcos"}]""").Select(Parse),
        ["App.upgradeStrategy"] = Gen.OneOf("""{"minimumHealthCapacity":0.5,"maximumOverCapacity":0}""", """{"minimumHealthCapacity":0,"maximumOverCapacity":1}""").Select(Parse),
        ["App.secrets"] = Gen.Const("""{"key":{"source":"/k"}}""").Select(Parse),
        ["App.env"] = Gen.OneOf("{}", """{"B":"1","A":""}""", """{"P":{"secret":"key"}}""", """{"C":null}""").Select(Parse),
        ["App.container"] = Gen.OneOf(
            """{"type":"MESOS"}""", """{"type":"mesos","volumes":[{"containerPath":"/h","hostPath":"/srv","mode":"ro"}]}""",
            """{"docker":{"image":"i","parameters":[{"key":"k","value":""}]},"portMappings":[{"containerPort":80,"name":"http"}]}""",
            """{"type":"MESOS","docker":{"image":"i","forcePullImage":true},"linuxInfo":{"seccomp":{"profileName":"x"},"ipcInfo":{"mode":"private","shmSize":8}}}""",
            """{"type":"MESOS","volumes":[{"containerPath":"d","mode":"RW","persistent":{"size":5,"type":"mount","maxSize":9}}]}""",
            """{"type":"MESOS","volumes":[{"containerPath":"s","secret":"key"},{"containerPath":"e","mode":"RW","external":{"name":"n","provider":"dvdi","options":{"dvdi/driver":"rexray"}}}]}""").Select(Parse),
        ["App.healthChecks"] = Gen.OneOf(
            """[{"command":{"value":"true"}}]""", """[{"protocol":"http","path":"/"}]""", """[{"port":80,"protocol":"TCP"},{"port":80,"protocol":"TCP"}]""",
            """[{"protocol":"MESOS_TCP","portIndex":0,"ignoreHttp1xx":true}]""").Select(Parse),
        ["App.check"] = Gen.OneOf("""{"http":{"portIndex":0,"path":"/"}}""", """{"tcp":{"port":9}}""", """{"exec":{"command":{"shell":"true"}}}""").Select(Parse),
        ["App.readinessChecks"] = Gen.OneOf("[]", """[{"portName":"a","httpStatusCodesForReady":[200,200,204]}]""").Select(Parse),
    };

    private static readonly Dictionary<string, Gen<string>> LikelyTexts = new(StringComparer.Ordinal)
    {
        ["Artifact.uri"] = Gen.OneOf("http://a/b.tgz", "file:///x", "a", "s3://b/c?x=1#f"),
        ["Artifact.destPath"] = Gen.OneOf("a", "a/b"),
    };

    /// <summary>An object with some of the record's fields; those of <paramref name="always"/> among them.</summary>
    public static Gen<JsonObject> Record(Shape.Record record, int depth = 0, params string[] always)
    {
        var fields = record.Fields.Where(field => !field.ReadOnly).ToArray();
        return Gen.Select(
            Gen.Int[0, 3].Array[fields.Length],
            All(fields.Select(field => Field(record, field, depth))),
            (chosen, values) =>
            {
                var made = new JsonObject();
                for (var i = 0; i < fields.Length; i++)
                {
                    if (fields[i].Required || always.Contains(fields[i].Name) || chosen[i] == 0)
                    {
                        made[fields[i].Name] = values[i]?.DeepClone();
                    }
                }
                return made;
            });
    }

    public static Gen<JsonNode?> Value(Shape shape, int depth = 0) => shape switch
    {
        Shape.Text text => Text(text).Select(value => (JsonNode?)value),
        Shape.Whole whole => Gen.OneOf(Gen.Const(whole.Min), Gen.Const(Math.Min(whole.Max, 1_000_000)), Gen.Long[Math.Max(whole.Min, -5), Math.Min(whole.Max, 9000)])
            .Select(value => (JsonNode?)Math.Max(whole.Min, value)),
        Shape.Number number => Gen.OneOf(Gen.Const(number.Min), Gen.Int[0, 4000].Select(n => Math.Clamp(n / 1000.0, number.Min, number.Max)))
            .Select(value => (JsonNode?)value),
        Shape.Flag => Gen.Bool.Select(value => (JsonNode?)value),
        Shape.List list => depth > MaxDepth ? Gen.Const((JsonNode?)new JsonArray())
            : Value(list.Item, depth + 1).Array[Math.Max(list.Min, 0), Math.Max(list.Min, 2)].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())])),
        Shape.Map map => Gen.Select(Gen.OneOf("k", "VIP_0", "A-B.c", "é").Array[0, 2], Value(map.Value, depth + 1), (keys, value) =>
            (JsonNode?)new JsonObject(keys.Distinct().Select(key => KeyValuePair.Create(key, value?.DeepClone())))),
        Shape.Record record => depth > MaxDepth ? Gen.Const((JsonNode?)null) : Record(record, depth + 1).Select(value => (JsonNode?)value),
        Shape.Either either => Gen.OneOf([.. new[] { either.WhenText, either.WhenNumber, either.WhenRecord }.OfType<Shape>().Select(option => Value(option, depth + 1))]),
        _ => Gen.Const((JsonNode?)null),
    };

    /// <summary>Every way to break a body of this shape in one place: the body, the path to name, and one code among the errors there.</summary>
    /// <param name="record">Its required fields are filled in everywhere, with <paramref name="basis"/> for the outermost.</param>
    public static IEnumerable<(JsonNode Body, string Path, string Code)> Broken(Shape.Record record, JsonObject basis, int depth = 0)
    {
        foreach (var field in record.Fields.Where(field => field.Shape is not Shape.Anything))
        {
            foreach (var (value, path, code) in BrokenValues(field.Shape, depth))
            {
                var body = (JsonObject)basis.DeepClone();
                body[field.Name] = value.DeepClone();
                yield return (body, "/" + field.Name + path, code);
            }
        }
    }

    private static IEnumerable<(JsonNode Value, string Path, string Code)> BrokenValues(Shape shape, int depth)
    {
        switch (shape)
        {
            case Shape.Text text:
                yield return (7, "", "error.expected.jsstring");
                if (text.Values is not null)
                {
                    yield return ("no such word", "", "error.unknown.enum.literal");
                }
                else if (text.Min > 0)
                {
                    yield return (new string('a', text.Min - 1), "", "error.minLength");
                }
                if (text.Max < int.MaxValue)
                {
                    yield return (new string('a', text.Max + 1), "", "error.maxLength");
                }
                if (text.Pattern is not null)
                {
                    yield return (ShortTexts.All.First(t => t.Length >= Math.Max(1, text.Min) && !text.Pattern.Matches(t)), "", "error.pattern");
                }
                break;
            case Shape.Whole whole:
                yield return ("7", "", "error.expected.jsnumber");
                yield return (1.5, "", "error.expected.int");
                if (whole.Min > long.MinValue)
                {
                    yield return (whole.Min - 1, "", "error.min");
                }
                yield return ((double)whole.Max + 10_000, "", "error.max");
                break;
            case Shape.Number number:
                yield return (true, "", "error.expected.jsnumber");
                if (number.Min > double.MinValue)
                {
                    yield return (number.Min - 0.001, "", "error.min");
                }
                if (number.Max < double.MaxValue)
                {
                    yield return (number.Max + 1, "", "error.max");
                }
                break;
            case Shape.Flag:
                yield return ("true", "", "error.expected.jsboolean");
                break;
            case Shape.List list:
                yield return (new JsonObject(), "", "error.expected.jsarray");
                if (list.Min > 0)
                {
                    yield return (new JsonArray(), "", "error.minLength");
                }
                foreach (var (value, path, code) in BrokenValues(list.Item, depth + 1))
                {
                    yield return (new JsonArray(value.DeepClone()), "(0)" + path, code);
                }
                break;
            case Shape.Map map:
                yield return (new JsonArray(), "", "error.expected.jsobject");
                foreach (var (value, path, code) in BrokenValues(map.Value, depth + 1))
                {
                    yield return (new JsonObject { ["key"] = value.DeepClone() }, "/key" + path, code);
                }
                break;
            case Shape.Record record when depth < MaxDepth:
                yield return ("an object", "", "error.expected.jsobject");
                foreach (var required in record.Fields.Where(field => field.Required))
                {
                    var without = Filled(record);
                    without.Remove(required.Name);
                    yield return (without, "/" + required.Name, "error.path.missing");
                }
                foreach (var (value, path, code) in Broken(record, Filled(record), depth + 1))
                {
                    yield return (value, path, code);
                }
                break;
            case Shape.Either either:
                yield return (true, "", either.WhenRecord is not null ? "error.expected.jsobject" : "error.expected.jsnumber");
                foreach (var option in new[] { either.WhenText, either.WhenNumber, either.WhenRecord }.OfType<Shape>())
                {
                    // Of another kind it is another option.
                    foreach (var broken in BrokenValues(option, depth + 1).Where(b => b.Path.Length > 0 || !b.Code.StartsWith("error.expected", StringComparison.Ordinal)))
                    {
                        yield return broken;
                    }
                }
                break;
        }
    }

    // The required fields, with some value that is right.
    private static JsonObject Filled(Shape.Record record) => new(record.Fields.Where(field => field.Required)
        .Select(field => KeyValuePair.Create(field.Name, (JsonNode?)(field.Shape switch
        {
            Shape.Text { Values: { } values } => JsonValue.Create(values[0]),
            Shape.Text => JsonValue.Create("a"),
            Shape.Whole whole => JsonValue.Create(Math.Max(whole.Min, 1)),
            Shape.Number number => JsonValue.Create(Math.Max(number.Min, 1)),
            Shape.Record inner => Filled(inner),
            Shape.List => new JsonArray(),
            _ => JsonValue.Create(true),
        }))));

    private static Gen<ImmutableList<JsonNode?>> All(IEnumerable<Gen<JsonNode?>> gens) =>
        gens.Aggregate(Gen.Const(ImmutableList<JsonNode?>.Empty), (all, gen) => Gen.Select(all, gen, (values, value) => values.Add(value)));

    private static Gen<JsonNode?> Field(Shape.Record record, Field field, int depth)
    {
        var key = $"{record.Name}.{field.Name}";
        return Likely.TryGetValue(key, out var likely) ? Gen.Frequency((9, likely), (1, Value(field.Shape, depth + 1)))
            : LikelyTexts.TryGetValue(key, out var text) ? text.Select(value => (JsonNode?)value)
            : Value(field.Shape, depth + 1);
    }

    private static Gen<string> Text(Shape.Text text)
    {
        if (text.Values is { } values)
        {
            return Gen.Select(Gen.OneOf(values), Gen.Bool, (value, lower) => lower ? value.ToLowerInvariant() : value);
        }
        if (text.Pattern is { } pattern)
        {
            return Gen.OneOf(pattern == TextPatterns.PathId ? Ids : pattern == TextPatterns.Executor ? Executors : pattern == TextPatterns.NetworkName ? NetworkNames : Names);
        }
        return Gen.OneOf(Gen.OneOf("a", "true", "Ægir <&>", "/x", "a b", "0"), Gen.String[Gen.Char['!', '~'], Math.Max(text.Min, 1), Math.Min(text.Max, 12)]);
    }

    private static JsonNode? Parse(string json) => JsonNode.Parse(json);
}
