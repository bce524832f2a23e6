using Pacer.Core.Model;
using Pacer.Shell.Tests.Cli;

namespace Pacer.Shell.Tests.Api;

/// <summary>The commands of docs/groups.md on examples/group.json, against the real API and state machine.</summary>
public sealed class GroupDocumentTests
{
    [Fact]
    public async Task Commands_InTheirOrder_DoWhatTheDocumentSays()
    {
        var repository = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(repository, "Pacer.slnx")))
        {
            repository = Path.GetDirectoryName(repository)!;
        }
        var lines = File.ReadLines(Path.Combine(repository, "docs", "groups.md"))
            .Where(line => line.StartsWith("    pacer group ", StringComparison.Ordinal))
            .Select(line => line.Trim()["pacer ".Length..].Replace("'", "").Replace("examples/group.json", Path.Combine(repository, "examples/group.json")))
            .ToList();
        await using var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        var outputs = new Dictionary<string, string>();
        var wanted = new List<int>();
        foreach (var line in lines)
        {
            var terminal = new ScriptedTerminal();
            string[] arguments = [.. line.Split(' '), "--server", api.BaseAddress, .. IsChange(line) ? new[] { "--no-wait", "--force" } : []];
            Assert.True(await terminal.RunAsync(arguments) == 0, line + "\n" + terminal.Error);
            outputs[line.Split(' ')[1]] = terminal.Output;
            wanted.Add(api.Loop.State.RunSpecs.Values.Sum(spec => spec.Instances));
        }
        Assert.Equal([3, 3, 6, 6, 6, 0], wanted);
        Assert.Matches(@"/examples/shop/web +1 +---", outputs["list"]);
        Assert.Matches(@"/examples +2 +False", outputs["list"]);
        Assert.Contains("\"/examples/shop/db\"", outputs["show"]); // before the update the web shop depended on it
        Assert.Equal(["/examples"], api.Loop.State.Groups.Keys);
        Assert.DoesNotContain(new RunSpecId("/examples/shop/web/www"), api.Loop.State.RunSpecs.Keys);
    }

    private static bool IsChange(string line) => line.Split(' ')[1] is "add" or "scale" or "update" or "remove";
}
