using System.Net;
using System.Text;

namespace Pacer.Shell.Tests.Api;

public sealed class BadInputTests
{
    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData(null)]
    public async Task Body_Empty_AsksForJson(string? body)
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", body);
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("Please specify data in JSON format", answer.Message);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"id\":\"/a\",}")]
    [InlineData("{\"id\":\"/a\"} x")]
    [InlineData("{'id':1}")]
    [InlineData("// hello\n{}")]
    [InlineData("{\"id\":\"/a\",\"id\":\"/b\"}")]
    [InlineData("{\"id\":\"/a\",\"env\":{\"A\":\"1\",\"A\":\"2\"}}")]
    [InlineData("{\"id\":\"/\\uD800\"}")]
    [InlineData("{\"cmd\":\"a\\ud800b\",\"id\":\"/a\"}")]
    [InlineData("{\"\\uDC00\":1}")]
    [InlineData("[1e]")]
    public async Task Body_BrokenJson_IsA400WithTextDetails(string body)
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", body);
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("Invalid JSON", answer.Message);
        var details = (string?)answer.Json["details"];
        Assert.NotNull(details);
        Assert.DoesNotContain("reader options", details);
        Assert.DoesNotContain("LineNumber", details);
    }

    [Fact]
    public void Body_InvalidUtf8_IsA400()
    {
        var error = Assert.Throws<Pacer.Server.Api.Responses.ApiException>(
            () => Pacer.Server.Api.Json.RequestBody.Parse(new byte[] { (byte)'"', 0xFF, (byte)'"' }));
        Assert.Equal(400, error.Error.Status);
    }

    [Fact]
    public async Task Body_DeeplyNested_IsA400()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", new string('[', 100_000) + new string(']', 100_000));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("depth", (string?)answer.Json["details"]);
    }

    [Fact]
    public async Task Body_TenMegabytes_IsA413AndTheServerGoesOn()
    {
        await using var api = await ApiHost.StartAsync();
        var body = "{\"id\":\"/a\",\"cmd\":\"" + new string('x', 10 * 1024 * 1024) + "\"}";
        var answer = await api.PostAsync("/v2/apps", body);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Contains("8 MiB", answer.Message);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v2/apps")).Status);
    }

    [Fact]
    public async Task Body_ChunkedTenMegabytes_IsA413()
    {
        await using var api = await ApiHost.StartAsync();
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, api.BaseAddress + "/v2/apps");
        request.Headers.TransferEncodingChunked = true;
        request.Content = new StreamContent(new MemoryStream(Encoding.ASCII.GetBytes(new string(' ', 10 * 1024 * 1024))));
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Theory]
    [InlineData("[]", "/", "error.expected.jsobject")]
    [InlineData("""{"id":7,"cmd":"x"}""", "/id", "error.expected.jsstring")]
    [InlineData("""{"cmd":"x"}""", "/id", "error.path.missing")]
    [InlineData("""{"id":null,"cmd":"x"}""", "/id", "error.path.missing")]
    [InlineData("""{"id":"/A","cmd":"x"}""", "/id", "error.pattern")]
    [InlineData("""{"id":"/a_b","cmd":"x"}""", "/id", "error.pattern")]
    [InlineData("""{"id":"/-a","cmd":"x"}""", "/id", "error.pattern")]
    [InlineData("""{"id":"","cmd":"x"}""", "/id", "error.minLength")]
    [InlineData("""{"id":"/a","cmd":""}""", "/cmd", "error.minLength")]
    [InlineData("""{"id":"/a","cmd":"x","cpus":-1}""", "/cpus", "error.min")]
    [InlineData("""{"id":"/a","cmd":"x","cpus":0}""", "/cpus", "error.min")]
    [InlineData("""{"id":"/a","cmd":"x","cpus":"1"}""", "/cpus", "error.expected.jsnumber")]
    [InlineData("""{"id":"/a","cmd":"x","cpus":1e400}""", "/cpus", "error.max")]
    [InlineData("""{"id":"/a","cmd":"x","mem":-1}""", "/mem", "error.min")]
    [InlineData("""{"id":"/a","cmd":"x","instances":-1}""", "/instances", "error.min")]
    [InlineData("""{"id":"/a","cmd":"x","instances":1.5}""", "/instances", "error.expected.int")]
    [InlineData("""{"id":"/a","cmd":"x","instances":99999999999}""", "/instances", "error.max")]
    [InlineData("""{"id":"/a","cmd":"x","instances":1e400}""", "/instances", "error.max")]
    [InlineData("""{"id":"/a","cmd":"x","args":"y"}""", "/args", "error.expected.jsarray")]
    [InlineData("""{"id":"/a","args":["x",1]}""", "/args(1)", "error.expected.jsstring")]
    [InlineData("""{"id":"/a","cmd":"x","env":{"A":1}}""", "/env/A", "error.expected.jsobject")]
    [InlineData("""{"id":"/a","cmd":"x","env":{"A":{}}}""", "/env/A/secret", "error.path.missing")]
    [InlineData("""{"id":"/a","cmd":"x","labels":{"A":1}}""", "/labels/A", "error.expected.jsstring")]
    [InlineData("""{"id":"/a","cmd":"x","ports":[70000]}""", "/ports(0)", "error.max")]
    [InlineData("""{"id":"/a","cmd":"x","portDefinitions":[{"port":-1}]}""", "/portDefinitions(0)/port", "error.min")]
    [InlineData("""{"id":"/a","cmd":"x","portDefinitions":[{"name":"X"}]}""", "/portDefinitions(0)/name", "error.pattern")]
    [InlineData("""{"id":"/a","cmd":"x","requirePorts":"yes"}""", "/requirePorts", "error.expected.jsboolean")]
    [InlineData("""{"id":"/a","cmd":"x","killSelection":"RANDOM"}""", "/killSelection", "error.unknown.enum.literal")]
    [InlineData("""{"id":"/a","cmd":"x","upgradeStrategy":{"minimumHealthCapacity":2,"maximumOverCapacity":0}}""",
        "/upgradeStrategy/minimumHealthCapacity", "error.max")]
    [InlineData("""{"id":"/a","cmd":"x","upgradeStrategy":{}}""", "/upgradeStrategy/maximumOverCapacity", "error.path.missing")]
    [InlineData("""{"id":"/a","cmd":"x","unreachableStrategy":"never"}""", "/unreachableStrategy", "error.unknown.enum.literal")]
    [InlineData("""{"id":"/a","cmd":"x","unreachableStrategy":7}""", "/unreachableStrategy", "error.expected.jsobject")]
    [InlineData("""{"id":"/a","cmd":"x","healthChecks":[null]}""", "/healthChecks(0)", "error.expected.jsobject")]
    [InlineData("""{"id":"/a","cmd":"x","fetch":[{}]}""", "/fetch(0)/uri", "error.path.missing")]
    [InlineData("""{"id":"/a","cmd":"x","resourceLimits":{"cpus":true}}""", "/resourceLimits/cpus", "error.expected.jsnumber")]
    public async Task Schema_Violated_NamesPathAndCode(string body, string path, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Equal("Invalid JSON", answer.Message);
        Assert.True(answer.Details.TryGetValue(path, out var errors), answer.Text);
        Assert.Contains(code, errors);
        Assert.Empty(api.Loop.State.RunSpecs);
    }

    [Fact]
    public async Task Schema_ManyViolations_AllAreNamed()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps",
            """{"id":"/A","cpus":"x","mem":-1,"healthChecks":[{"protocol":"SMTP","port":-1}],"env":{"A":[]}}""");
        Assert.Equal(
            ["/cpus", "/env/A", "/healthChecks(0)/port", "/healthChecks(0)/protocol", "/id", "/mem"],
            answer.Details.Keys.Order(StringComparer.Ordinal));
        Assert.All(answer.Json["details"]!.AsArray(), detail => Assert.NotNull(detail!["message"]));
    }

    [Theory]
    [InlineData("/restart")]
    [InlineData("/a/tasks")]
    [InlineData("/a/versions/")]
    [InlineData("/a/..")]
    [InlineData("/")]
    [InlineData("..")]
    public async Task Id_Reserved_IsRefused(string id)
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", $$"""{"id":"{{id}}","cmd":"x"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("/id", answer.Details.Keys);
    }

    [Fact]
    public async Task Id_InUrlOutOfGrammar_IsRefusedOnPut()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/apps/UPPER", """{"cmd":"x"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("must fully match regular expression", answer.Details["/id"][0]);
    }

    [Fact]
    public async Task Id_OfAGroup_IsRefused()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a/b","cmd":"x","instances":0}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PostAsync("/v2/apps", """{"id":"/a","cmd":"x"}""")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PostAsync("/v2/apps", """{"id":"/a/b/c","cmd":"x"}""")).Status);
    }

    [Fact]
    public async Task Dependencies_Cyclic_AreRefused()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/apps",
            """[{"id":"/a","cmd":"x","dependencies":["/b"]},{"id":"/b","cmd":"x","dependencies":["a"]}]""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.Status);
        Assert.Contains("cyclic", answer.Text);
    }

    [Fact]
    public async Task Fields_Unknown_AreAcceptedAndNamed()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps",
            """{"id":"/a","cmd":"x","instnaces":1,"healthChecks":[{"pth":"/"}],"zzz":{"deep":[1]},"instances":0,"tty":true,"gpus":0}""");
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal(
            [
                "unknown field /instnaces ignored; did you mean instances?",
                "unknown field /healthChecks(0)/pth ignored; did you mean path?",
                "unknown field /zzz ignored",
                "field /tty is stored but has no effect yet: tasks run without a terminal",
            ],
            answer.Warnings);
    }

    [Fact]
    public async Task Fields_UnknownWithOddNames_KeepTheHeaderValid()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps",
            "{\"id\":\"/a\",\"cmd\":\"x\",\"instances\":0,\"na\\r\\nme\\u00e9\":1,\"" + new string('y', 5000) + "\":1}");
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal(2, answer.Warnings.Length);
        Assert.All(answer.Warnings, warning => Assert.InRange(warning.Length, 1, 210));
    }
}
