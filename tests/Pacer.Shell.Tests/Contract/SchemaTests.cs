using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.OpenApi;
using Pacer.Server.Api.Pods;
using Pacer.Shell.Tests.Api;

namespace Pacer.Shell.Tests.Contract;

/// <summary>The tables say what the code does: wire types, defaults and patterns.</summary>
public sealed class SchemaTests
{
    private const string AllObjectsEmpty = """
        {"id":"/a","cmd":"sleep","fetch":[{"uri":"http://x/y"}],"healthChecks":[{}],"check":{"http":{"portIndex":0}},"executorResources":{},
         "readinessChecks":[{"portName":"p"}],"unreachableStrategy":{},"networks":[{"name":"n"}],"residency":{},
         "container":{"type":"MESOS","docker":{"image":"i"},"linuxInfo":{"seccomp":{"profileName":"x"}},"portMappings":[{"name":"p"}],
           "volumes":[{"containerPath":"v","mode":"RW","external":{"name":"e","provider":"dvdi","options":{"dvdi/driver":"d"}}}]},
         "upgradeStrategy":{"minimumHealthCapacity":0,"maximumOverCapacity":0}}
        """;

    private const string HostPorts = """{"id":"/a","cmd":"sleep","portDefinitions":[{}]}""";

    private const string Resident = """
        {"id":"/a/b","cmd":"sleep","container":{"type":"MESOS","volumes":[{"containerPath":"v","mode":"RW","persistent":{"size":1}}]},"role":"a","residency":{}}
        """;

    public static TheoryData<string> Patterns { get; } = [nameof(TextPatterns.PathId), nameof(TextPatterns.Name), nameof(TextPatterns.NetworkName), nameof(TextPatterns.Executor)];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Pattern_ItsRegularExpression_SaysTheSame(string name)
    {
        var pattern = (TextPattern)typeof(TextPatterns).GetField(name)!.GetValue(null)!;
        var regex = new Regex(pattern.Regex, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        Assert.All(ShortTexts.All, text => Assert.True(regex.IsMatch(text) == pattern.Matches(text), text));
    }

    [Fact]
    public void Defaults_OfTheTables_AreWhatNormalisationFillsIn()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var json in (string[])[AllObjectsEmpty, HostPorts, Resident])
        {
            Walk(AppSchema.App, JsonNode.Parse(Specs.Json(Specs.App(json)))!, JsonNode.Parse(json)!, seen);
        }
        var withDefault = new HashSet<string>(StringComparer.Ordinal);
        Collect(AppSchema.App, withDefault);
        // The deprecated form is rewritten; its defaults are those of the form that it becomes.
        withDefault.RemoveWhere(field => field.StartsWith("IpDiscoveryPort.", StringComparison.Ordinal));
        Assert.Empty(withDefault.Except(seen));
    }

    [Fact]
    public void WireTypes_OfRequestsAndAnswers_HaveTheFieldsOfTheTables()
    {
        var differences = new List<string>();
        CompareWithType(AppSchema.App, typeof(App), "App", differences);
        CompareWithType(PodSchema.Pod, typeof(Pod), "Pod", differences);
        CompareWithType(PodAnswerShapes.Statuses, typeof(List<PodStatus>), "PodStatuses", differences);
        CompareWithType(PodAnswerShapes.Instance, typeof(InstanceInfo), "Instance", differences);
        CompareWithType(AnswerShapes.TaskList, typeof(TaskList), "TaskList", differences);
        CompareWithType(AnswerShapes.TaskSingle, typeof(SingleTask), "TaskSingle", differences);
        CompareWithType(AnswerShapes.DeploymentResult, typeof(DeploymentResult), "DeploymentResult", differences);
        CompareWithType(AnswerShapes.VersionList, typeof(VersionList), "VersionList", differences);
        CompareWithType(ClusterAnswerShapes.Deployments, typeof(List<RunningDeployment>), "Deployments", differences);
        CompareWithType(ClusterAnswerShapes.DeploymentSteps, typeof(DeploymentPlanInfo), "DeploymentSteps", differences);
        CompareWithType(ClusterAnswerShapes.NodeList, typeof(NodeList), "NodeList", differences);
        CompareWithType(ClusterAnswerShapes.SandboxEntries, typeof(List<SandboxEntry>), "SandboxEntries", differences);
        CompareWithType(ClusterAnswerShapes.SandboxData, typeof(SandboxData), "SandboxData", differences);
        CompareWithType(ClusterAnswerShapes.Leader, typeof(LeaderName), "Leader", differences);
        CompareWithType(AnswerShapes.Error, typeof(ErrorBody), "Error", differences);
        // One wire type serves the actions of plans and those under way.
        differences.RemoveAll(difference => difference.EndsWith("[].actions[].readinessCheckResults: not in the table", StringComparison.Ordinal));
        // And one serves resources, which have roles, and attributes, which have none.
        differences.RemoveAll(difference => difference.EndsWith("attributes[].role: not in the table", StringComparison.Ordinal));
        Assert.Empty(differences);
    }

    private static void CompareWithType(Shape shape, Type type, string at, List<string> differences)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var fits = shape switch
        {
            Shape.Text => type == typeof(string),
            Shape.Whole => type == typeof(int) || type == typeof(long),
            Shape.Number => type == typeof(double),
            Shape.Flag => type == typeof(bool),
            Shape.Anything => true,
            Shape.Either => type == typeof(EnvironmentValue) || type == typeof(ResourceLimit) || type == typeof(UnreachableStrategy),
            Shape.List => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>),
            // Members that depend on a provider stay JSON.
            Shape.Map => type == typeof(JsonElement) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>)),
            _ => type.IsClass,
        };
        if (!fits)
        {
            differences.Add($"{at}: {shape.GetType().Name} is kept as {type.Name}");
            return;
        }
        switch (shape)
        {
            case Shape.List list:
                CompareWithType(list.Item, type.GetGenericArguments()[0], at + "[]", differences);
                break;
            case Shape.Map map when type.IsGenericType:
                CompareWithType(map.Value, type.GetGenericArguments()[1], at + ".*", differences);
                break;
            case Shape.Record record:
                var members = type.GetProperties().ToDictionary(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name), p => p.PropertyType, StringComparer.Ordinal);
                differences.AddRange(members.Keys.Except(record.Fields.Select(f => f.Name)).Select(name => $"{at}.{name}: not in the table"));
                foreach (var field in record.Fields.Where(field => !field.ReadOnly))
                {
                    if (members.TryGetValue(field.Name, out var member))
                    {
                        CompareWithType(field.Shape, member, $"{at}.{field.Name}", differences);
                    }
                    else
                    {
                        differences.Add($"{at}.{field.Name}: not in the wire type");
                    }
                }
                break;
        }
    }

    private static void Walk(Shape? shape, JsonNode? canonical, JsonNode? given, HashSet<string> seen)
    {
        switch (shape)
        {
            case Shape.Record record when canonical is JsonObject members && given is JsonObject givenMembers:
                foreach (var field in record.Fields)
                {
                    var wasGiven = givenMembers[field.Name];
                    if (field.Default is { } expected && wasGiven is null && members[field.Name] is { } value)
                    {
                        seen.Add($"{record.Name}.{field.Name}");
                        var text = expected is string word ? $"\"{word}\"" : expected is IEnumerable list ? $"[{string.Join(",", list.Cast<object>())}]"
                            : JsonSerializer.Serialize(expected);
                        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(text), value), $"{record.Name}.{field.Name} is {value}, not {text}");
                    }
                    else if (field.Default is not null && wasGiven is not null)
                    {
                        // Given on purpose, as the default would not be valid here.
                        seen.Add($"{record.Name}.{field.Name}");
                    }
                    Walk(field.Shape, members[field.Name], wasGiven, seen);
                }
                break;
            case Shape.List list when canonical is JsonArray items:
                for (var i = 0; i < items.Count; i++)
                {
                    Walk(list.Item, items[i], (given as JsonArray)?[i], seen);
                }
                break;
            case Shape.Either either:
                Walk(either.WhenRecord, canonical, given, seen);
                break;
        }
    }

    private static void Collect(Shape? shape, HashSet<string> withDefault)
    {
        switch (shape)
        {
            case Shape.Record record:
                foreach (var field in record.Fields)
                {
                    if (field.Default is not null)
                    {
                        withDefault.Add($"{record.Name}.{field.Name}");
                    }
                    Collect(field.Shape, withDefault);
                }
                break;
            case Shape.List list:
                Collect(list.Item, withDefault);
                break;
            case Shape.Either either:
                Collect(either.WhenRecord, withDefault);
                break;
        }
    }
}
