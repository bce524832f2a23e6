using System.Net;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Bad requests get Marathon's errors, change nothing, and the server keeps serving.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task BadInput_OfEveryKind_IsRefusedAndChangesNothing()
    {
        await using var cluster = await Cluster.StartAsync();
        (string Body, int Status)[] posts =
        [
            ("{ not json", 400),
            ("", 400),
            ("[1,2]", 422),
            ("{}", 422),
            ("""{"id":"/a"}""", 422),
            ("""{"id":"/UPPER case","cmd":"x"}""", 422),
            ("""{"id":"/a","cmd":"x","cpus":-1}""", 422),
            ("""{"id":"/a","cmd":"x","cpus":"many"}""", 422),
            ("""{"id":"/a","cmd":"x","instances":-2}""", 422),
            ("""{"id":"/a","cmd":"x","portDefinitions":[{"port":70000}]}""", 422),
            ("""{"id":"/a","cmd":"x","args":["y"]}""", 422),
            ("""{"id":"/a","cmd":"x","constraints":[["hostname","NEAR"]]}""", 422),
            ($$"""{"id":"/a","cmd":"{{new string('x', 10_000_000)}}"}""", 413),
        ];
        foreach (var (body, expected) in posts)
        {
            var (status, answer) = await cluster.Api.SendAsync(HttpMethod.Post, "v2/apps", body);
            Assert.True((int)status == expected, $"{(body.Length > 100 ? body[..100] : body)}: {(int)status} {answer?.ToJsonString()}");
            Assert.NotEqual("", (string)answer!["message"]!);
            Assert.DoesNotContain("   at ", answer.ToJsonString());
        }
        Assert.Equal(HttpStatusCode.NotFound, (await cluster.Api.SendAsync(HttpMethod.Get, "v2/apps/nothing")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await cluster.Api.SendAsync(HttpMethod.Delete, "v2/deployments/nothing")).Status);
        Assert.Empty((await cluster.Api.GetAsync("v2/apps"))["apps"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await cluster.Api.SendAsync(HttpMethod.Get, "ping")).Status);
    }
}
