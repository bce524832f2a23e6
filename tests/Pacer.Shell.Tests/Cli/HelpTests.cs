using System.CommandLine;
using System.CommandLine.Help;
using Pacer.Cli.Commands;
using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class HelpTests
{
    private static IEnumerable<Command> AllCommands(Command command) => command.Subcommands.SelectMany(AllCommands).Prepend(command);

    [Fact]
    public void Help_OfEveryCommand_DescribesEveryFlagAndGivesAnExample()
    {
        var root = CommandLine.Create(new ScriptedTerminal().Surroundings);
        foreach (var command in AllCommands(root))
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, option => Assert.False(option is not HelpOption && string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}"));
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Name} {argument.Name}"));
            if (command.Subcommands.Count == 0 && command.Name != "version")
            {
                Assert.NotEmpty(Assert.IsType<PacerCommand>(command).Examples);
            }
        }
    }

    [Fact]
    public void Help_Examples_Parse()
    {
        var root = CommandLine.Create(new ScriptedTerminal().Surroundings);
        foreach (var example in AllCommands(root).OfType<PacerCommand>().SelectMany(command => command.Examples))
        {
            var line = example.Line.Split([" < ", " > "], StringSplitOptions.None)[0];
            Assert.Empty(root.Parse(line).Errors);
        }
    }

    [Fact]
    public void Help_EveryFlagOfARole_HasAnEnvironmentVariable()
    {
        var root = CommandLine.Create(new ScriptedTerminal().Surroundings);
        foreach (var role in new[] { "up", "server", "agent", "down" })
        {
            var command = root.Subcommands.Single(sub => sub.Name == role);
            var without = command.Options.Where(option => option is not (Flag or HelpOption)).Select(option => option.Name);
            Assert.Subset(new HashSet<string>(["--attribute", "--reserve", "--volume-disk", "--network", "--volume-driver", "--no-install"]), without.ToHashSet()); // described in their own text
        }
    }

    [Fact]
    public async Task Help_OfRoot_IsGrouped()
    {
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("--help"));
        Assert.Contains("Start and stop:\n  up", terminal.Output);
        Assert.Contains("Work with a cluster:\n  app", terminal.Output);
    }

    [Fact]
    public async Task Suggest_PartOfACommand_CompletesIt()
    {
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("[suggest:8]", "app rest"));
        Assert.Equal("restart\n", terminal.Output);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _pacer pacer ./pacer")]
    [InlineData("zsh", "#compdef pacer")]
    [InlineData("fish", "complete -c pacer")]
    public async Task Completion_OfEachShell_IsPrinted(string shell, string expected)
    {
        var terminal = new ScriptedTerminal();

        Assert.Equal(0, await terminal.RunAsync("completion", shell));
        Assert.Contains(expected, terminal.Output);
    }
}
