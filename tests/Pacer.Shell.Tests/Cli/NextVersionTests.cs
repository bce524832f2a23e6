using System.Text.Json.Nodes;
using Pacer.Cli;
using Pacer.Cli.BlueGreen;
using Pacer.Cli.Output;
using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class NextVersionTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static JsonObject Make(string definition, string? current = null, string? canary = null) =>
        NextVersion.Make(JsonNode.Parse(definition)!.AsObject(), "/web", current is null ? null : JsonNode.Parse(current), Canary.Parse(canary, 1), 1, Now);

    private static string LabelsOf(JsonNode app) => string.Join(' ', app["labels"]!.AsObject().Select(label => $"{label.Key.Replace("HAPROXY_DEPLOYMENT_", "", StringComparison.Ordinal)}={label.Value}"));

    [Fact]
    public void First_IsBlueWithAllItsInstances()
    {
        var next = Make("""{"id":"web","instances":3,"portDefinitions":[{"port":10000}],"labels":{"HAPROXY_GROUP":"external"}}""");
        Assert.Equal(("/web-blue", 3, 10000), (next.Text("id"), next.Count("instances"), next["portDefinitions"]![0].Count("port")));
        Assert.Equal("HAPROXY_GROUP=external HAPROXY_0_PORT=10000 GROUP=web COLOUR=blue STARTED_AT=2026-03-01T12:00:00.000Z TARGET_INSTANCES=3 NEW_INSTANCES=0 HAPROXY_APP_ID=/web", LabelsOf(next));
    }

    [Fact]
    public void Next_HasTheOtherColourAndPortAndBeginsSmall()
    {
        const string File = """{"id":"web","instances":3,"ports":[10000],"labels":{"HAPROXY_DEPLOYMENT_GROUP":"shop","HAPROXY_DEPLOYMENT_ALT_PORT":"10001"}}""";
        var green = Make(File, """{"id":"/web-blue","instances":5,"portDefinitions":[{"port":10000}],"labels":{"HAPROXY_DEPLOYMENT_COLOUR":"blue","HAPROXY_DEPLOYMENT_STARTED_AT":"2027-01-01T00:00:00Z"}}""");
        Assert.Equal(("/web-green", 1, 10001), (green.Text("id"), green.Count("instances"), (int)green["ports"]![0]!));
        Assert.Equal("GROUP=shop ALT_PORT=10001 HAPROXY_0_PORT=10000 COLOUR=green STARTED_AT=2027-01-01T00:00:00.001Z TARGET_INSTANCES=5 NEW_INSTANCES=0 HAPROXY_APP_ID=/web", LabelsOf(green));
        var blue = Make(File, """{"id":"/web-green","instances":5,"portDefinitions":[{"port":10001}],"labels":{"HAPROXY_DEPLOYMENT_COLOUR":"green"}}""");
        Assert.Equal(("/web-blue", 10000), (blue.Text("id"), (int)blue["ports"]![0]!));
    }

    [Theory]
    [InlineData("""{"id":"web","container":{"portMappings":[{"containerPort":80,"servicePort":10000},{"containerPort":81,"servicePort":10002}]}}""", "0,10002", "HAPROXY_0_PORT=10000 HAPROXY_1_PORT=10002")]
    [InlineData("""{"id":"web","container":{"docker":{"portMappings":[{"servicePort":10000}]}},"labels":{"HAPROXY_0_PORT":"80"}}""", "0", "HAPROXY_0_PORT=80")]
    [InlineData("""{"id":"web","portDefinitions":[{"port":0}]}""", "0", "")]
    [InlineData("""{"id":"web"}""", "", "")]
    public void Next_PortsThatAreTaken_AreLeftToTheServer(string file, string ports, string labels)
    {
        var next = Make(file, """{"id":"/web","instances":1,"portDefinitions":[{"port":10000}]}""");
        Assert.Equal(ports, string.Join(',', ServicePorts.Of(next).Select(port => port.Number)));
        Assert.StartsWith($"{labels} GROUP=web COLOUR=blue".TrimStart(), LabelsOf(next));
    }

    [Fact]
    public void Canary_ItsLabels_TellInstancesAndShare()
    {
        const string Current = """{"id":"/web-blue","instances":4,"labels":{"HAPROXY_DEPLOYMENT_COLOUR":"blue"}}""";
        Assert.EndsWith("TARGET_INSTANCES=4 NEW_INSTANCES=2 HAPROXY_APP_ID=/web", LabelsOf(Make("""{"id":"web"}""", Current, "2")));
        var share = Make("""{"id":"web"}""", Current, "10%");
        Assert.EndsWith("TARGET_INSTANCES=5 NEW_INSTANCES=1 HAPROXY_APP_ID=/web PACER_LB_SHARE=10", LabelsOf(share));
        var plan = AppVersions.PlanOf(share, complete: false, null, null, Now - Now, Now - Now);
        Assert.Equal((4, 1, 1), (plan.Target, plan.Hold, plan.Surge));
        Assert.Equal(0, AppVersions.PlanOf(share, complete: true, null, null, Now - Now, Now - Now).Hold);
    }

    [Theory]
    [InlineData("""{"id":"web"}""", "4", "--canary 4: /web-blue has 4 instances")]
    [InlineData("""{"id":"web"}""", "100%", "--canary '100%' is not valid")]
    [InlineData("""{"id":"web"}""", "0", "--canary '0' is not valid")]
    [InlineData("""{"id":"web"}""", "some", "Give a number of instances such as 2, or a share")]
    [InlineData("""{"id":"web","labels":[]}""", null, "labels: not an object")]
    [InlineData("""{"id":"web","instances":"two"}""", null, "instances: \"two\" is no number")]
    [InlineData("""{"id":"web","labels":{"HAPROXY_DEPLOYMENT_ALT_PORT":"x"}}""", null, "HAPROXY_DEPLOYMENT_ALT_PORT: 'x' is no port")]
    public void WrongInput_IsNamed(string file, string? canary, string message)
    {
        var refused = Assert.Throws<CliException>(() => Make(file, """{"id":"/web-blue","instances":4,"labels":{"HAPROXY_DEPLOYMENT_COLOUR":"blue"}}""", canary));
        Assert.Contains(message, refused.Message);
    }

    [Fact]
    public void Versions_AreFoundByServiceAndByEachOfThem_OlderFirst()
    {
        var apps = JsonNode.Parse("""
            [{"id":"/web-green","labels":{"HAPROXY_DEPLOYMENT_GROUP":"web","HAPROXY_DEPLOYMENT_STARTED_AT":"2026-01-02T00:00:00"}},{"id":"/web"},{"id":"/other"}]
            """)!.AsArray().OfType<JsonNode>().ToList();
        foreach (var id in new[] { "/web", "/web-green" })
        {
            var found = AppVersions.Find(apps, id);
            Assert.Equal(("/web", "/web", "/web-green"), (found.Service, found.Old.Text("id"), found.New.Text("id")));
        }
        Assert.Null(AppVersions.Find(apps, "/other").Old);
        Assert.Null(AppVersions.Find(apps, "/nothing").New);
        apps.Add(JsonNode.Parse("""{"id":"/third","labels":{"HAPROXY_DEPLOYMENT_GROUP":"/web"}}""")!);
        Assert.Contains("/web has more than two versions: /third, /web, /web-green.", Assert.Throws<CliException>(() => AppVersions.Find(apps, "/web")).Message);
    }

    [Fact]
    public void Balancers_OnlyWhatAllSayCounts()
    {
        JsonNode Page(string a, string b, int active) => JsonNode.Parse($$"""
            {"backends":[{"service":"/web","servers":[{"task":"a","status":"{{a}}","active":{{active}}},{"task":"b","status":"{{b}}","active":0}]},
                         {"service":"/web","servers":[{"task":"b","status":"UP","active":0}]},{"service":"/other","servers":[{"task":"c","status":"UP","active":0}]}]}
            """)!;
        var sight = new BalancerSight([Page("MAINT", "UP", 0), Page("MAINT", "UP", 1)], "/web");
        Assert.Equal((false, true, false), (sight.Serves("a"), sight.GivesWay("a"), sight.IsIdle("a")));
        Assert.Equal((true, false), (sight.Serves("b"), sight.Serves("c")));
        Assert.False(new BalancerSight([Page("MAINT", "UP", 0), Page("UP", "DOWN", 0)], "/web").Serves("b"));
        Assert.False(sight.Knows(["c"]));
        var app = JsonNode.Parse("""{"id":"/web","instances":3,"tasks":[{"id":"b","state":"TASK_RUNNING"},{"id":"a","state":"TASK_RUNNING"},{"id":"x","state":"TASK_STAGING"},{"id":"gone","state":"TASK_RUNNING"}]}""")!;
        var seen = sight.See(app, new HashSet<string> { "gone" });
        Assert.Equal(["a", "b"], seen.Running);
        Assert.Equal((1, 3), (seen.Serving, seen.Instances));
        Assert.Equal(["a"], seen.GivingWay);
        Assert.Empty(seen.Idle);
    }

    [Theory]
    [InlineData("Say how: --blue-green, or --canary N or P%.", "-")]
    [InlineData("--resume and --rollback exclude each other.", "--resume", "--rollback", "web")]
    [InlineData("--canary 10% does not go with --resume.", "--resume", "--canary", "10%", "web")]
    [InlineData("--canary 2 does not go with --complete.", "--complete", "--canary", "2", "web")]
    [InlineData("--initial-instances '0' is not valid. Give a whole number", "--blue-green", "--initial-instances", "0", "-")]
    [InlineData("--timeout 'soon' is no number of seconds.", "--blue-green", "--timeout", "soon", "-")]
    [InlineData("--lb-status names no load balancer.", "--blue-green", "--lb-status", ",", "-")]
    [InlineData("--lb-status 'a b' is no address.", "--blue-green", "--lb-status", "a b", "-")]
    [InlineData("nothing.json: no such file.", "--blue-green", "nothing.json")]
    public async Task WrongFlags_AreNamed(string message, params string[] flags)
    {
        var terminal = new ScriptedTerminal("""{"id":"web"}""");
        Assert.Equal(ExitCode.Usage, await terminal.RunAsync(["app", "deploy", .. flags]));
        Assert.Contains(message, terminal.Error);
    }

    [Fact]
    public async Task NoBalancer_NothingIsChanged()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("GET /v2/apps?embed=apps.tasks", 200, """{"apps":[{"id":"/web","instances":1}]}""");
        var terminal = new ScriptedTerminal("""{"id":"web"}""");
        Assert.Equal(ExitCode.Unreachable, await terminal.RunAsync("app", "deploy", "--blue-green", "-", "--server", api.Url, "--lb-status", "127.0.0.1:1"));
        Assert.Contains("No load balancer answers at 127.0.0.1:1.", terminal.Error);
        Assert.All(api.Calls, call => Assert.StartsWith("GET", call.Call));
    }
}
