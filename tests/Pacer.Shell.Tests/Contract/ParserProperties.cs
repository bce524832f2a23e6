using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.OpenApi;
using Pacer.Server.Api.Responses;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Contract;

/// <summary>Everything that reads what a client wrote: no text makes it fail in a way that was not meant.</summary>
public sealed class ParserProperties
{
    private static readonly Gen<string> Any = Gen.OneOf(
        Gen.String[0, 40], Gen.String[Gen.Char[' ', '~'], 0, 30], Gen.String[Gen.OneOf("ab.-/ ,()=!\\[]{}\"'*+?^$|:#%0é\0\n".ToCharArray()), 0, 24]);

    [Fact]
    public void LabelSelector_AnyText_IsReadOrExplained() => Any.Sample(
        text =>
        {
            if (LabelSelector.TryParse(text, out var selector, out var error))
            {
                selector.Matches(new Dictionary<string, string> { ["a"] = "b" });
                return;
            }
            Assert.StartsWith("Invalid label selector", error);
        },
        iter: 20_000 * Fuzzing.Scale);

    [Fact]
    public void LabelSelector_Written_SelectsWhatItSays() => Gen.Select(
        Gen.OneOf("a", "b", "in", "not.in", "x-1_y"), Gen.Int[0, 4], Gen.String[Gen.OneOf("ab (),=\\!é".ToCharArray()), 1, 6].Array[1, 3],
        Gen.OneOf("", "a", "b", "(")).Sample(
        (label, form, values, actual) =>
        {
            var written = values.Select(value => string.Concat(value.Select(c => "\\" + c))).ToList();
            var (text, expected) = form switch
            {
                0 => (label, true),
                1 => ($"{label} == {written[0]}", actual == values[0]),
                2 => ($"{label}!={written[0]}", actual != values[0]),
                3 => ($"{label} in ({string.Join(" , ", written)})", values.Contains(actual)),
                _ => ($"{label} notin({string.Join(',', written)})", !values.Contains(actual)),
            };
            Assert.True(LabelSelector.TryParse(text, out var selector, out var error), error);
            Assert.Equal(expected, selector.Matches(new Dictionary<string, string> { [label] = actual }));
            Assert.False(selector.Matches(new Dictionary<string, string>()));
        },
        iter: 10_000 * Fuzzing.Scale);

    [Fact]
    public void Id_AnyText_IsResolvedOnceAndForAll() => Gen.Select(Any, Gen.OneOf("/", "/a", "/a/b.c")).Sample(
        (text, parent) =>
        {
            if (!RunSpecPath.TryResolve(text, out var id, out var error, parent))
            {
                Assert.NotEmpty(error!);
                return;
            }
            Assert.True(TextPatterns.PathId.Matches(id.Path));
            Assert.StartsWith("/", id.Path);
            Assert.True(RunSpecPath.TryResolve(id.Path, out var again, out _, "/elsewhere"));
            Assert.Equal(id, again);
        },
        iter: 20_000 * Fuzzing.Scale);

    [Fact]
    public void ConstraintPattern_AnyText_IsCompiledOrRefused() => Gen.Select(Any, Any).Sample(
        (pattern, value) =>
        {
            if (ConstraintPattern.Compile(pattern) is { } regex)
            {
                ConstraintPattern.IsFullMatch(regex, value);
            }
        },
        iter: 1_000 * Fuzzing.Scale);

    [Fact]
    public void Moment_AnyText_IsReadOrRefused()
    {
        Gen.OneOf(Any, Gen.Select(Any, rest => "2026-01-01T" + rest)).Sample(
            text =>
            {
                if (Timestamp.TryParse(text, out var moment))
                {
                    Assert.Equal(24, moment.ToString().Length);
                }
            },
            iter: 10_000 * Fuzzing.Scale);
        Gen.Long[0, 253402300799999].Sample(
            milliseconds =>
            {
                Assert.True(Timestamp.TryParse(new Timestamp(milliseconds).ToString(), out var again));
                Assert.Equal(milliseconds, again.UnixMilliseconds);
            },
            iter: 5_000 * Fuzzing.Scale);
    }

    [Fact]
    public void Body_AnyBytes_IsReadOrRefused() => Gen.OneOf(Gen.Byte.Array[0, 60], Any.Select(Encoding.UTF8.GetBytes), Json().Select(Encoding.UTF8.GetBytes)).Sample(
        bytes =>
        {
            try
            {
                using var body = RequestBody.Parse(bytes);
                AppReader.CheckSchema(body.RootElement, AppSchema.App);
                new AppReader(new AppRules()).ReadComplete(body.RootElement, id: null);
            }
            catch (ApiException refused)
            {
                Assert.InRange(refused.Error.Status, 400, 422);
            }
        },
        iter: 10_000 * Fuzzing.Scale);

    [Fact]
    public async Task Request_AnyPathQueryAndBody_IsNeverAnInternalError()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a/b","cmd":"sleep 1"}""");
        var word = Gen.OneOf(Any, Gen.OneOf("a", "a/b", "*", "tasks", "versions", "..", "-1", "true", "99999999999999999999", "2026-01-01T00:00:00.000Z", "apps.tasks"));
        // Abdication ends the server and writes files; a long poll waits as long as it is told.
        var operations = Operations.All.Where(operation => operation is not { Method: "DELETE", Path: "/v2/leader" }).ToArray();
        await Gen.Select(Gen.OneOf(operations), word.Array[3], word.Array[12], Gen.Int, Gen.OneOf(Any, Json())).SampleAsync(
            async request =>
            {
                var (operation, inPath, inQuery, choice, body) = request;
                var path = operation.Path;
                foreach (var (name, value) in OpenApiDocument.PathNames(operation.Path).Zip(inPath))
                {
                    path = path.Replace($"{{{name}}}", string.Join('/', value.Split('/').Select(Uri.EscapeDataString)), StringComparison.Ordinal);
                }
                var query = operation.Query.Where((parameter, i) => parameter.Name != "wait" && (choice >> i & 1) == 1)
                    .Select((parameter, i) => $"{Uri.EscapeDataString(parameter.Name)}={Uri.EscapeDataString(inQuery[i % inQuery.Length])}");
                using var message = new HttpRequestMessage(new HttpMethod(operation.Method), $"{path}?{string.Join('&', query)}");
                if (operation.Body is not null)
                {
                    message.Content = new StringContent(body, Encoding.UTF8, "application/json");
                }
                var accept = operation.Path == "/v2/events" ? "text/event-stream" : inQuery[0];
                message.Headers.TryAddWithoutValidation("Accept", Printable(accept));
                message.Headers.TryAddWithoutValidation("Last-Event-ID", Printable(inQuery[1]));
                using var response = await server.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
                Assert.True((int)response.StatusCode < 500, $"{(int)response.StatusCode} {operation.Method} {message.RequestUri} {body}");
                if (response.Content.Headers.ContentType?.MediaType == "application/json")
                {
                    Assert.NotNull(JsonDocument.Parse(await response.Content.ReadAsStringAsync()));
                }
            },
            iter: 800 * Fuzzing.Scale, threads: 1);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/v2/apps")).Status);
    }

    private static string Printable(string text) => new([.. text.Where(c => c is >= ' ' and <= '~')]);

    // JSON of any build, with the names of real members.
    private static Gen<string> Json()
    {
        var names = AppSchema.App.Fields.Select(field => field.Name).Concat(["apps", "groups", "scaleBy", "ids", "value"]).ToArray();
        var leaf = Gen.OneOf("null", "true", "0", "-1", "1.5", "1e999", "1e-400", "9223372036854775808", "\"\"", "\"a\"", "\"/a\"", "\"\\u0000\"", "\"\\ud800\"", "\"unlimited\"", "\"disabled\"");
        return Gen.Recursive<string>((depth, inner) => depth > 3
            ? leaf
            : Gen.Frequency(
                (3, leaf),
                (2, inner.Array[0, 3].Select(items => $"[{string.Join(',', items)}]")),
                (4, Gen.Select(Gen.OneOf(names), inner).Array[0, 5].Select(members =>
                    $"{{{string.Join(',', members.DistinctBy(m => m.Item1).Select(m => $"\"{m.Item1}\":{m.Item2}"))}}}"))));
    }
}
