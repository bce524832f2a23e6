using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

public sealed class DocumentationTests
{
    [Theory]
    [InlineData("command-line")]
    [InlineData("deployments")]
    [InlineData("health")]
    public async Task Page_ItsExamples_WorkInTheirOrder(string name)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, $"docs/{name}.md"));
        var block = Regex.Match(page[page.IndexOf("## Example", StringComparison.Ordinal)..], "```sh\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        await using var cluster = await Cluster.StartAsync();
        foreach (var line in block.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = Regex.Matches(line, "'([^']*)'|(\\S+)").Select(word => word.Groups[1].Success ? word.Groups[1].Value : word.Value).ToList();
            Assert.Equal("pacer", words[0]);
            (await cluster.PacerAsync([.. words[1..]])).Expect(0);
        }
    }

    [Theory]
    [InlineData("up")]
    [InlineData("server")]
    [InlineData("agent")]
    public async Task ConfigurationPage_NamesEveryFlagAndVariable(string role)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/configuration.md"));
        var help = (await PacerProgram.RunAsync(null, "", role, "--help")).Expect(0).Output;
        foreach (var name in Regex.Matches(help, @"(?m)^  (--[a-z-]+)|PACER_[A-Z_]+").Select(match => match.Groups[1].Success ? match.Groups[1].Value : match.Value).Distinct())
        {
            Assert.Contains($"`{name}", page);
        }
    }
}
