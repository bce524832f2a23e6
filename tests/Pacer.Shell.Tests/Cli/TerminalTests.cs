using Pacer.Cli.Output;

namespace Pacer.Shell.Tests.Cli;

public sealed class TerminalTests
{
    [Fact]
    public void Live_NotOnATerminal_PrintsWhatIsNewAndNoCountdown()
    {
        var output = new StringWriter();
        var terminal = new Terminal(output, TextWriter.Null, isInteractive: false, hasColour: false, () => 80);
        foreach (var text in (string[])["0/2 running", "0/2 running · next start in 3 s", "0/2 running · next start in 2 s", "0/2 running · next start in 1 s", "1/2 running", "2/2 running"])
        {
            terminal.Live(text);
        }
        Assert.Equal("0/2 running\n0/2 running · next start in 3 s\n1/2 running\n2/2 running\n", output.ToString());
    }
}
