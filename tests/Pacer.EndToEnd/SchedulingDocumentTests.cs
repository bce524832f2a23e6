using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>The example of docs/scheduling.md.</summary>
public sealed class SchedulingDocumentTests
{
    [Fact]
    public async Task Example_InItsOrder_SaysWhatTheDocumentSays()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/scheduling.md"));
        var example = page[page.IndexOf("## An example", StringComparison.Ordinal)..];
        var lines = Regex.Match(example, "```sh\n(.*?)```", RegexOptions.Singleline).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var told = Regex.Matches(example, "(?:^    .+\n)+", RegexOptions.Multiline).Select(block => block.Value.Replace("    ", "")).ToList();
        await using var cluster = await Cluster.StartAsync("--hostname", "node1", "--cpus", "2");
        var why = new Queue<string>(told);
        foreach (var line in lines)
        {
            var words = line.Split(' ').Skip(1).Select(word => word.StartsWith("examples/", StringComparison.Ordinal) ? Path.Combine(PacerProgram.Repository, word) : word);
            var output = (await cluster.PacerAsync([.. words])).Expect(0).Output;
            if (line.StartsWith("pacer app why", StringComparison.Ordinal))
            {
                Assert.Equal(why.Dequeue(), output);
            }
            else if (line.StartsWith("pacer app plan", StringComparison.Ordinal))
            {
                Assert.Contains("start /hello: 1 on node1\n", output);
                Assert.Contains("Nothing was changed.", output);
            }
        }
        Assert.Empty(why);
    }
}
