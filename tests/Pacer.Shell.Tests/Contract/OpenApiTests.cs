using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi.Reader;
using Pacer.Server.Api.OpenApi;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Contract;

/// <summary>The document about the API is valid, complete and true.</summary>
public sealed class OpenApiTests
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    // Every word that means something at the end of a path.
    private static readonly string[] Endings =
        ["/x", "/x/*", "/x/*/tasks", "/x/restart", "/x/tasks", "/x/tasks/t", "/x/versions", "/x/versions/2026-01-01T00:00:00.000Z", "/x/apps", "/apps", "/versions", "/x/delay",
            "/x::status", "/x::versions", "/x::versions/2026-01-01T00:00:00.000Z", "/x::instances", "/x::instances/i"];

    [Fact]
    public void Document_ReadByOthers_IsValid()
    {
        var result = Microsoft.OpenApi.OpenApiDocument.Parse(Encoding.UTF8.GetString(OpenApiDocument.Json.Span), "json");
        Assert.Empty(result.Diagnostic!.Errors);
        Assert.Empty(result.Diagnostic.Warnings);
        Assert.Equal(Operations.All.Count, result.Document!.Paths.Sum(path => path.Value.Operations!.Count));
    }

    [Fact]
    public void Document_References_AllLeadSomewhere()
    {
        using var document = JsonDocument.Parse(OpenApiDocument.Json);
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        var references = Regex.Matches(document.RootElement.GetRawText(), "\"\\$ref\":\"#/components/schemas/([^\"]+)\"");
        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.True(schemas.TryGetProperty(reference.Groups[1].Value, out _), reference.Value));
    }

    [Fact]
    public async Task Document_AgainstTheRoutes_DescribesEveryOne()
    {
        await using var server = await RunningServer.StartAsync();
        var missing = new List<string>();
        foreach (var route in server.Host.Endpoints.OfType<RouteEndpoint>())
        {
            var pattern = "/" + route.RoutePattern.RawText!.Trim('/');
            if (pattern.StartsWith("/pacer.agent.", StringComparison.Ordinal) || pattern.StartsWith("/{unimplementedService", StringComparison.Ordinal)
                || pattern.Contains("unimplementedMethod", StringComparison.Ordinal)
                || pattern == "/v2/plugins/{id}/{**path}") // whatever follows goes to the plugin
            {
                continue;
            }
            var methods = route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Where(method => method != "HEAD");
            if (pattern.Contains("{**", StringComparison.Ordinal) || methods is null)
            {
                // What a path of many words means is decided by the endpoint itself: it is asked.
                missing.AddRange(await UndescribedAsync(
                    server, pattern.Split("/{**")[0], methods ?? Methods, pattern.Contains("{**", StringComparison.Ordinal) ? Endings : [""]));
                continue;
            }
            missing.AddRange(methods.Where(method => !Operations.All.Any(o => o.Method == method && o.Path == pattern)).Select(method => $"{method} {pattern}"));
        }
        Assert.True(missing.Count == 0, "Describe these in Api/OpenApi: " + string.Join(", ", missing));
    }

    [Fact]
    public async Task Document_Operations_AllExist()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var operation in Operations.All
            .Where(operation => operation.Path != "/v2/events" && operation is not { Method: "DELETE", Path: "/v2/leader" })) // it would be gone for a while
        {
            var path = operation.Path.Replace("{version}", "2026-01-01T00:00:00.000Z", StringComparison.Ordinal);
            foreach (var name in OpenApiDocument.PathNames(path).ToList())
            {
                path = path.Replace($"{{{name}}}", "nothing", StringComparison.Ordinal);
            }
            var (status, text) = await SendAsync(server, operation.Method, path, operation.Body is null ? null : "[]");
            Assert.False(status is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented || text.Contains("URI not found", StringComparison.Ordinal),
                $"{operation.Method} {path}: {(int)status} {text}");
            Assert.True((int)status < 500, $"{operation.Method} {path}: {(int)status} {text}");
        }
    }

    [Fact]
    public async Task Page_ServedByTheServer_NeedsNothingElse()
    {
        await using var server = await RunningServer.StartAsync();
        var page = await server.Http.GetStringAsync("/docs");
        Assert.Contains("openapi.json", page);
        Assert.DoesNotContain("http://", page);
        Assert.DoesNotContain("https://", page);
        using var answer = await server.Http.GetAsync("/openapi.json");
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("3.1.0", JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("openapi").GetString());
    }

    private static async Task<List<string>> UndescribedAsync(RunningServer server, string start, IEnumerable<string> methods, string[] endings)
    {
        var missing = new List<string>();
        foreach (var method in methods)
        {
            foreach (var ending in endings)
            {
                var (status, text) = await SendAsync(server, method, start + ending, method is "GET" or "DELETE" ? null : "{");
                if (status != HttpStatusCode.MethodNotAllowed && !text.Contains("URI not found", StringComparison.Ordinal)
                    && AnswerContract.Find(method, start + ending) is null)
                {
                    missing.Add($"{method} {start}{ending}");
                }
            }
        }
        return missing;
    }

    private static async Task<(HttpStatusCode Status, string Text)> SendAsync(RunningServer server, string method, string path, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }
        using var response = await server.Http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
