using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class CommandTests
{
    private const string Deployment = "11111111-2222-3333-4444-555555555555";
    private const string Running = """{"app":{"id":"/hello","instances":1,"tasksRunning":1,"tasksStaged":0}}""";

    private static string DeploymentList(int step) =>
        $$"""[{"id":"{{Deployment}}","affectedApps":["/hello"],"currentStep":{{step}},"totalSteps":2,"currentActions":[{"action":"StartApplication","app":"/hello"}]}]""";

    private static string Event(string type, string more = "") =>
        $"event: {type}\r\ndata: {{\"id\":\"{Deployment}\",\"eventType\":\"{type}\"{more}}}\r\n\r\n";

    [Fact]
    public async Task Add_DeploymentSucceeds_ShowsProgressAndEndsWithZero()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("POST /v2/apps", 201, "{}", ("Marathon-Deployment-Id", Deployment), ("X-Pacer-Warning", "unknown field 'instnces', did you mean 'instances'?"));
        api.On("GET /v2/deployments", 200, DeploymentList(1)).On("GET /v2/deployments", 200, "[]");
        api.On("GET /v2/apps/hello", 200, """{"app":{"id":"/hello","instances":1,"tasksRunning":0,"tasksStaged":1}}""").On("GET /v2/apps/hello", 200, Running);
        api.On("GET /v2/queue", 200, """{"queue":[]}""");
        api.Events = Event("deployment_success");
        var terminal = new ScriptedTerminal("""{"id":"hello","cmd":"sleep 1"}""");

        var code = await terminal.RunAsync("app", "add", "-", "--server", api.Url);

        Assert.Equal(0, code);
        Assert.Contains("/hello: 0/1 running, 1 starting · step 1 of 2\n", terminal.Output);
        Assert.EndsWith("/hello: 1/1 running\nAdded /hello\n", terminal.Output);
        Assert.Contains("warning: unknown field 'instnces'", terminal.Error);
    }

    [Fact]
    public async Task Add_DeploymentCancelled_EndsWithFourAndTheReason()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("POST /v2/apps", 201, "{}", ("Marathon-Deployment-Id", Deployment));
        api.On("GET /v2/deployments", 200, "[]").On("GET /v2/apps/hello", 200, Running);
        api.Events = Event("deployment_failed", ",\"reason\":\"cancelled by another deployment\"");
        var terminal = new ScriptedTerminal("""{"id":"hello","cmd":"sleep 1"}""");

        var code = await terminal.RunAsync("app", "add", "-", "--server", api.Url);

        Assert.Equal(4, code);
        Assert.Contains("cancelled by another deployment", terminal.Error);
    }

    [Fact]
    public async Task Add_NothingFits_TimesOutWithTheReasonAndWhatToDo()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("POST /v2/apps", 201, "{}", ("Marathon-Deployment-Id", Deployment));
        api.On("GET /v2/deployments", 200, DeploymentList(1));
        api.On("GET /v2/apps/hello", 200,
            """{"app":{"id":"/hello","instances":1,"tasksRunning":0,"lastTaskFailure":{"taskId":"hello.instance-1._app.1","state":"TASK_FAILED","message":"exit 7","timestamp":"2020-01-01T00:00:00.000Z"}}}""");
        api.On("GET /v2/queue", 200,
            """{"queue":[{"count":1,"app":{"id":"/hello"},"delay":{"overdue":true,"timeLeftSeconds":0},"processedOffersSummary":{"rejectSummaryLastOffers":[{"reason":"InsufficientCpus","declined":2,"processed":2}]}}]}""");
        var terminal = new ScriptedTerminal("""{"id":"hello","cmd":"sleep 1"}""");

        var code = await terminal.RunAsync("app", "add", "-", "--timeout", "0.2", "--server", api.Url);

        Assert.Equal(4, code);
        Assert.Contains("InsufficientCpus on 2 of 2 nodes", terminal.Error);
        Assert.Contains("hello.instance-1._app.1 TASK_FAILED: exit 7", terminal.Error);
        Assert.Contains("pacer deployment rollback " + Deployment, terminal.Error);
        Assert.DoesNotContain("failed:", terminal.Output); // a failure of years ago is not this deployment's
    }

    [Fact]
    public async Task Add_NoWait_PrintsTheDeployment()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("POST /v2/apps?force=true", 201, "{}", ("Marathon-Deployment-Id", Deployment));
        var terminal = new ScriptedTerminal("""{"id":"hello","cmd":"sleep 1"}""", variables: ("PACER_SERVER", api.Url));

        var code = await terminal.RunAsync("app", "add", "-", "--no-wait", "--force");

        Assert.Equal(0, code);
        Assert.Equal($"Created deployment {Deployment}\n", terminal.Output);
    }

    [Theory]
    [InlineData(422, """{"message":"Object is not valid","details":[{"path":"/cpus","errors":["must be >= 0"]}]}""", 2, "Object is not valid\n  /cpus: must be >= 0")]
    [InlineData(400, """{"message":"Invalid JSON","details":"bad at 3"}""", 2, "Invalid JSON: bad at 3")]
    [InlineData(404, """{"message":"App '/x' does not exist"}""", 5, "App '/x' does not exist")]
    [InlineData(409, """{"message":"App is locked","deployments":[{"id":"abc"}]}""", 2, "Locked by a running deployment: abc")]
    [InlineData(503, """{"message":"The store can't be written to."}""", 3, "The store can't be written to.")]
    public async Task Refusal_OfEachKind_HasItsExitCodeAndText(int status, string body, int expectedCode, string expectedText)
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("POST /v2/apps/x/restart", status, body);
        var terminal = new ScriptedTerminal();

        var code = await terminal.RunAsync("app", "restart", "x", "--server", api.Url);

        Assert.Equal(expectedCode, code);
        Assert.Contains(expectedText, terminal.Error);
    }

    [Fact]
    public async Task AnyCommand_NothingListens_EndsWithThreeAndTheCure()
    {
        var terminal = new ScriptedTerminal();

        var code = await terminal.RunAsync("app", "list", "--server", "http://127.0.0.1:1");

        Assert.Equal(3, code);
        Assert.Contains("Start one with 'pacer up'", terminal.Error);
    }

    [Theory]
    [InlineData("{\n  \"id\": \"/x\",\n  oops\n}", "standard input, line 3, column 3: not valid JSON.")]
    [InlineData("[]", "an app definition is a JSON object")]
    [InlineData("\"text\"", "an app definition is a JSON object")]
    [InlineData("{\"cmd\":\"x\"}", "the app has no \"id\"")]
    public async Task Add_InputIsNoApp_SaysWhere(string input, string expected)
    {
        var terminal = new ScriptedTerminal(input);

        var code = await terminal.RunAsync("app", "add", "-", "--server", "http://127.0.0.1:1");

        Assert.Equal(1, code);
        Assert.Contains(expected, terminal.Error);
    }

    [Fact]
    public async Task Add_FileIsMissing_SaysSo()
    {
        var terminal = new ScriptedTerminal();

        Assert.Equal(1, await terminal.RunAsync("app", "add", "/no/such/file.json"));
        Assert.Contains("/no/such/file.json: no such file.", terminal.Error);
    }

    [Fact]
    public async Task Update_PairsOfEveryKind_SendsTheirJson()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("PATCH /v2/apps/a/b", 200, "{}", ("Marathon-Deployment-Id", Deployment));
        var terminal = new ScriptedTerminal();

        var code = await terminal.RunAsync("app", "update", "a/b", "instances=2", "cmd=echo a=b", "env={\"A\":\"1\"}", "--no-wait", "--server", api.Url);

        Assert.Equal(0, code);
        Assert.Equal("""{"instances":2,"cmd":"echo a=b","env":{"A":"1"}}""", Assert.Single(api.Calls).Body);
    }

    [Fact]
    public async Task Show_EarlierVersionByCount_AsksForIt()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("GET /v2/apps/hello/versions", 200, """{"versions":["2026-01-01T00:00:00.000Z","2026-01-03T00:00:00.000Z","2026-01-02T00:00:00.000Z"]}""");
        api.On("GET /v2/apps/hello/versions/2026-01-02T00:00:00.000Z", 200, """{"id":"/hello"}""");
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("app", "show", "hello", "--version", "-1", "--server", api.Url));
        Assert.Equal("{\n  \"id\": \"/hello\"\n}\n", terminal.Output);
        Assert.Equal(5, await terminal.RunAsync("app", "show", "hello", "--version", "-7", "--server", api.Url));
    }

    [Fact]
    public async Task List_Apps_PrintsAlignedColumns()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("GET /v2/apps", 200,
            """{"apps":[{"id":"/web","mem":64,"cpus":0.5,"instances":2,"tasksRunning":1,"cmd":"python3 -m http.server --bind 127.0.0.1 8080","healthChecks":[{}],"tasksHealthy":1},{"id":"/a","mem":32.5,"cpus":1,"instances":1,"tasksRunning":1,"args":["/bin/sleep","1"]}]}""");
        api.On("GET /v2/deployments", 200, """[{"id":"d","currentActions":[{"action":"ScaleApplication","app":"/web"}]}]""");
        api.On("GET /v2/queue", 200, """{"queue":[{"app":{"id":"/web"},"delay":{"overdue":true}}]}""");
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("app", "list", "--server", api.Url));
        Assert.Equal(
            """
            ID    MEM   CPUS  TASKS  HEALTH  DEPLOYMENT  WAITING  CONTAINER  CMD
            /a    32.5  1     1/1    N/A     ---         False    N/A        /bin/sleep 1
            /web  64    0.5   1/2    1/1     scale       True     N/A        python3 -m http.server --bind 127.0

            """, terminal.Output);
    }

    [Fact]
    public async Task List_Quiet_PrintsIdsOnly()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("GET /v2/apps", 200, """{"apps":[{"id":"/b"},{"id":"/a"}]}""");
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("app", "list", "-q", "--server", api.Url));
        Assert.Equal("/a\n/b\n", terminal.Output);
    }

    [Fact]
    public async Task Follow_ServerEnds_PrintsWhatCame()
    {
        await using var api = await RecordedApi.StartAsync();
        api.On("DELETE /x", 200, "{}");
        api.Events = "event: status_update_event\r\ndata: {\"eventType\":\"status_update_event\",\"timestamp\":\"T\",\"taskId\":\"t1\",\"taskStatus\":\"TASK_RUNNING\"}\r\n\r\n";
        api.Calls.Enqueue(("DELETE /x", ""));
        var terminal = new ScriptedTerminal();

        var following = terminal.RunAsync("event", "follow", "--server", api.Url);
        await Eventually(() => terminal.Output.Length > 0);
        await api.DisposeAsync();

        Assert.Equal(3, await following);
        Assert.Equal("T  status_update_event  t1  TASK_RUNNING\n", terminal.Output);
    }

    [Theory]
    [InlineData("app", "lst")]
    [InlineData("app", "scale", "x", "-3")]
    [InlineData("app", "scale", "x", "many")]
    [InlineData("completion", "tcsh")]
    [InlineData("app", "list", "--server", "ftp://x")]
    [InlineData("up", "--cpus", "lots")]
    [InlineData("up", "--ports", "9-1")]
    [InlineData("up", "--http", "8080")]
    [InlineData("up", "--attribute", "novalue")]
    [InlineData("up", "--isolation", "some")]
    [InlineData("up", "--log-level", "loud")]
    [InlineData("agent")]
    public async Task UsageError_OfAnyKind_EndsWithOneAndNoStackTrace(params string[] arguments)
    {
        var data = Directory.CreateTempSubdirectory("pacer-cli-test-");
        try
        {
            var terminal = new ScriptedTerminal(variables: [("PACER_DATA_DIR", data.FullName), ("PACER_NO_INSTALL", "1")]);

            Assert.Equal(1, await terminal.RunAsync(arguments));
            Assert.DoesNotContain("   at ", terminal.Error);
            Assert.NotEqual("", terminal.Error);
        }
        finally
        {
            data.Delete(true);
        }
    }

    [Fact]
    public async Task Up_WrongValueFromEnvironment_NamesFlagAndVariable()
    {
        var data = Directory.CreateTempSubdirectory("pacer-cli-test-");
        try
        {
            var terminal = new ScriptedTerminal(variables: [("PACER_DATA_DIR", data.FullName), ("PACER_CPUS", "many"), ("PACER_NO_INSTALL", "1")]);

            Assert.Equal(1, await terminal.RunAsync("up"));
            Assert.Contains("--cpus (or PACER_CPUS): 'many' is not valid. Give a number above 0 such as 2.", terminal.Error);
        }
        finally
        {
            data.Delete(true);
        }
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
