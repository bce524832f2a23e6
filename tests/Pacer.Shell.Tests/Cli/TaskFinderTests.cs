using System.Text.Json.Nodes;
using Pacer.Cli;
using Pacer.Cli.Client;
using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class TaskFinderTests
{
    private static readonly JsonNode[] Tasks =
    [
        JsonNode.Parse("""{"id":"a_web.instance-11aa._app.1","appId":"/a/web","state":"TASK_RUNNING"}""")!,
        JsonNode.Parse("""{"id":"a_web.instance-22bb._app.1","appId":"/a/web","state":"TASK_RUNNING"}""")!,
        JsonNode.Parse("""{"id":"db.instance-33cc._app.2","appId":"/db","state":"TASK_RUNNING"}""")!,
        JsonNode.Parse("""{"id":"db.instance-44dd._app.1","appId":"/db","state":"TASK_FAILED"}""")!,
    ];

    [Theory]
    [InlineData("a_web.instance-22bb._app.1", "a_web.instance-22bb._app.1")]
    [InlineData("22bb", "a_web.instance-22bb._app.1")]
    [InlineData("a_web.instance-1", "a_web.instance-11aa._app.1")]
    [InlineData("db", "db.instance-33cc._app.2")]
    [InlineData("/db", "db.instance-33cc._app.2")]
    [InlineData("44dd", "db.instance-44dd._app.1")]
    [InlineData("old.instance-99._app.1", "old.instance-99._app.1")]
    public void Choose_OneMeant_IsFound(string text, string expected) => Assert.Equal(expected, TaskFinder.Choose(Tasks, text));

    [Fact]
    public void Choose_SeveralMatch_ListsThem()
    {
        var refusal = Assert.Throws<CliException>(() => TaskFinder.Choose(Tasks, "a/web"));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.Contains("instance-11aa", refusal.Message);
        Assert.Contains("instance-22bb", refusal.Message);
    }

    [Fact]
    public void Choose_NoneMatches_IsNotFound() =>
        Assert.Equal(ExitCode.NotFound, Assert.Throws<CliException>(() => TaskFinder.Choose(Tasks, "nothing")).ExitCode);
}
