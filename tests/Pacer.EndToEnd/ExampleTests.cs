using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

public sealed class ExampleTests
{
    private static readonly Dictionary<string, string?> FirstLines = new()
    {
        ["hello"] = "hello 1 from ",
        ["args"] = null,
        ["environment"] = "Good morning from /examples/environment, label blue, in /",
        ["fetch"] = File.ReadLines("/etc/os-release").First(),
        ["user"] = "nobody",
        ["scaled"] = "one of three, on port ",
    };

    [Fact]
    public async Task Examples_EachOfThem_RunsAndPrintsWhatItPromises()
    {
        var files = Directory.GetFiles(Path.Combine(PacerProgram.Repository, "examples"), "*.json");
        Assert.Equal(FirstLines.Keys.Order(), files.Select(file => Path.GetFileNameWithoutExtension(file)).Order());
        await using var cluster = await Cluster.StartAsync();
        foreach (var file in files)
        {
            var name = Path.GetFileNameWithoutExtension(file);
            if (name == "user" && !Environment.IsPrivilegedProcess)
            {
                continue; // another user's processes need root
            }
            (await cluster.PacerAsync("app", "add", file)).Expect(0);
            var app = name == "hello" ? "/hello" : "/examples/" + name;
            var tasks = (await cluster.PacerAsync("task", "list", app, "-q")).Expect(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(name == "scaled" ? 3 : 1, tasks.Length);
            if (FirstLines[name] is { } expected)
            {
                var log = "";
                await Api.Until(async () => (log = (await cluster.PacerAsync("task", "log", tasks[0], "--lines", "all")).Expect(0).Output).Length > 0, $"{name} prints");
                Assert.StartsWith(expected, log);
            }
        }
        await cluster.CheckMachineAsync();
    }
}
