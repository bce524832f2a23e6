using System.Text.RegularExpressions;

namespace Pacer.Cli.Output;

/// <summary>Where text goes. On a terminal one line may be rewritten in place and colours are used; elsewhere every line is plain.</summary>
internal sealed partial class Terminal(TextWriter output, TextWriter error, bool isInteractive, bool hasColour, Func<int> width)
{
    private string? _live;

    public bool IsInteractive { get; } = isInteractive;

    public bool HasColour { get; } = hasColour;

    public int Width => Math.Max(40, width());

    public TextWriter Output => output;

    public TextWriter Error => error;

    public static Terminal OfProcess()
    {
        var interactive = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        var colour = interactive && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(Console.Out, Console.Error, interactive, colour, static () => Console.WindowWidth);
    }

    /// <summary>Writes a line that stays.</summary>
    public void Line(string text)
    {
        ClearLive();
        output.WriteLine(text);
    }

    /// <summary>Writes how something ended; nothing when the last live text said just that already.</summary>
    public void Final(string text)
    {
        if (IsInteractive || text != _live)
        {
            Line(text);
        }
        _live = null;
    }

    /// <summary>Writes a line to standard error.</summary>
    public void ErrorLine(string text)
    {
        ClearLive();
        error.WriteLine(text);
    }

    /// <summary>Shows what is going on: replaces the last such text on a terminal; elsewhere a line whenever it differs from the last in more than its numbers of seconds.</summary>
    public void Live(string text)
    {
        if (text == _live || (!IsInteractive && _live is not null && Seconds().Replace(text, "") == Seconds().Replace(_live, "")))
        {
            return;
        }
        if (IsInteractive)
        {
            var limit = Width - 1;
            output.Write("\r\u001b[2K" + (text.Length > limit ? text[..(limit - 1)] + "…" : text));
            output.Flush();
        }
        else
        {
            output.WriteLine(text);
        }
        _live = text;
    }

    /// <summary>A countdown: in a log it would fill a line a second.</summary>
    [GeneratedRegex(@"\b\d+ s\b")]
    private static partial Regex Seconds();

    private void ClearLive()
    {
        if (_live is not null && IsInteractive)
        {
            output.Write("\r\u001b[2K");
        }
        _live = null;
    }
}
