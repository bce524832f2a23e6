using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Http;

/// <summary>Compression, origins, methods and media types.</summary>
public sealed class TransferTests
{
    [Fact]
    public async Task Gzip_ForClientsThatTakeIt_UnpacksToTheSameBody()
    {
        await using var server = await RunningServer.StartAsync();
        var apps = Enumerable.Range(0, 200).Select(i => $$"""{"id":"/many/app{{i}}","cmd":"true","instances":0}""");
        await server.SendAsync("PUT", "/v2/apps", $"[{string.Join(',', apps)}]");
        foreach (var path in new[] { "/v2/apps", "/v2/apps/many/app1", "/v2/groups" })
        {
            using var plain = await SendAsync(server, "GET", path);
            using var packed = await SendAsync(server, "GET", path, ("Accept-Encoding", "br, gzip;q=0.8"));
            var body = await plain.Content.ReadAsByteArrayAsync();
            var bytes = await packed.Content.ReadAsByteArrayAsync();
            if (body.Length < 1400)
            {
                Assert.Empty(packed.Content.Headers.ContentEncoding);
                continue;
            }
            Assert.Equal(["gzip"], packed.Content.Headers.ContentEncoding);
            Assert.True(bytes.Length < body.Length / 3);
            using var unpacked = new StreamReader(new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress));
            Assert.Equal(Encoding.UTF8.GetString(body), await unpacked.ReadToEndAsync());
        }
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("gzip;q=0")]
    [InlineData("*, gzip;q=0")]
    public async Task Gzip_RefusedOrNotAskedFor_IsNotUsed(string accepted)
    {
        await using var server = await RunningServer.StartAsync();
        using var info = await SendAsync(server, "GET", "/v2/info", ("Accept-Encoding", accepted));
        Assert.Empty(info.Content.Headers.ContentEncoding);
        Assert.Equal("pacer", JsonDocument.Parse(await info.Content.ReadAsStringAsync()).RootElement.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Gzip_OfEvents_NeverIsUsed()
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events");
        request.Headers.Add("Accept", "text/event-stream");
        request.Headers.Add("Accept-Encoding", "gzip");
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Empty(response.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task Origin_Allowed_MayRead_AndOthersMayNot()
    {
        await using var server = await RunningServer.StartAsync(options => options with { AllowOrigins = ["http://a.example", "http://b.example"] });
        using var allowed = await SendAsync(server, "GET", "/v2/apps", ("Origin", "http://b.example"));
        Assert.Equal("http://b.example", Header(allowed, "Access-Control-Allow-Origin"));
        Assert.Contains("ETag", Header(allowed, "Access-Control-Expose-Headers"));
        Assert.Contains("Origin", string.Join(',', allowed.Headers.Vary));
        using var stranger = await SendAsync(server, "GET", "/v2/apps", ("Origin", "http://c.example"));
        Assert.Equal("", Header(stranger, "Access-Control-Allow-Origin"));
        Assert.Contains("Origin", string.Join(',', stranger.Headers.Vary));

        using var preflight = await SendAsync(server, "OPTIONS", "/v2/apps", ("Origin", "http://a.example"),
            ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "if-none-match"));
        Assert.Equal(HttpStatusCode.OK, preflight.StatusCode);
        Assert.Equal("http://a.example", Header(preflight, "Access-Control-Allow-Origin"));
        Assert.Equal("if-none-match", Header(preflight, "Access-Control-Allow-Headers"));
        Assert.Equal("GET, HEAD, OPTIONS", Header(preflight, "Access-Control-Allow-Methods"));
        Assert.Equal("86400", Header(preflight, "Access-Control-Max-Age"));
    }

    [Fact]
    public async Task Origin_WithoutTheSetting_GetsNoHeaders()
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await SendAsync(server, "GET", "/v2/apps", ("Origin", "http://a.example"));
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/v2/apps")]
    [InlineData("/v2/tasks")]
    [InlineData("/v2/events")]
    [InlineData("/v2/groups")]
    [InlineData("/metrics")]
    public async Task Options_NamesTheMethodsThereAre(string path)
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await SendAsync(server, "OPTIONS", path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var allowed = string.Join(", ", answer.Content.Headers.Allow);
        Assert.Contains("GET", allowed);
        Assert.Contains("HEAD", allowed);
        Assert.Contains("OPTIONS", allowed);
    }

    [Theory]
    [InlineData("TRACE", "/v2/events", 405, "Method Not Allowed")]
    [InlineData("DELETE", "/v2/apps", 405, "Method Not Allowed")]
    [InlineData("POST", "/v2/tasks", 405, "Method Not Allowed")]
    [InlineData("POST", "/v2/info", 405, "Method Not Allowed")]
    [InlineData("OPTIONS", "/v2/nothing", 404, "URI not found")]
    [InlineData("GET", "/v2/eventSubscriptions", 404, "URI not found")]
    [InlineData("GET", "/v2/artifacts/a", 404, "URI not found")]
    [InlineData("GET", "/v2/plugins/a/b", 404, "No plugin with this pluginId: a")]
    public async Task Method_ThatIsNotThere_IsRefusedInJson(string method, string path, int status, string message)
    {
        await using var server = await RunningServer.StartAsync();
        var answer = await server.SendAsync(method, path);
        Assert.Equal(status, (int)answer.Status);
        Assert.Equal(message, answer.Body.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Accept_OfWhatThereIsNot_IsNotAcceptable()
    {
        await using var server = await RunningServer.StartAsync();
        using var xml = await SendAsync(server, "GET", "/v2/apps", ("Accept", "application/xml"));
        Assert.Equal(HttpStatusCode.NotAcceptable, xml.StatusCode);
        Assert.Contains("\"Not Acceptable\"", await xml.Content.ReadAsStringAsync());
        using var browser = await SendAsync(server, "GET", "/v2/apps", ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"));
        Assert.Equal(HttpStatusCode.OK, browser.StatusCode);
        using var never = await SendAsync(server, "GET", "/v2/apps", ("Accept", "text/html, application/json;q=0"));
        Assert.Equal(HttpStatusCode.NotAcceptable, never.StatusCode);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", 415)]
    [InlineData("text/plain", 415)]
    [InlineData("application/json; charset=latin1", 201)]
    [InlineData("", 201)]
    public async Task ContentType_OtherThanJson_IsUnsupported(string type, int status)
    {
        await using var server = await RunningServer.StartAsync();
        using var content = new ByteArrayContent("""{"id":"/a","cmd":"true","instances":0}"""u8.ToArray());
        if (type.Length > 0)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        using var answer = await server.Http.PostAsync("/v2/apps", content);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("/v2/apps")]
    [InlineData("/v2/info")]
    [InlineData("/v2/leader")]
    [InlineData("/v2/plugins")]
    [InlineData("/v2/nodes")]
    [InlineData("/v2/deployments")]
    [InlineData("/v2/queue")]
    [InlineData("/metrics")]
    [InlineData("/logging")]
    [InlineData("/ping")]
    [InlineData("/help")]
    [InlineData("/")]
    public async Task Head_IsGetWithoutItsBody(string path)
    {
        await using var server = await RunningServer.StartAsync();
        using var head = await SendAsync(server, "HEAD", path);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        using var get = await SendAsync(server, "GET", path);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";

    private static async Task<HttpResponseMessage> SendAsync(
        RunningServer server, string method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return await server.Http.SendAsync(request);
    }
}
