using System.Text;

namespace Pacer.Edge.Balancing.Labels;

/// <summary>Takes HAProxy's configuration text apart as HAProxy does.</summary>
internal static class HaproxyLine
{
    /// <summary>Lines without comments; "\\n" in a label ends one too.</summary>
    public static IEnumerable<string> Split(string text) =>
        text.Replace("\\n", "\n", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => !line.StartsWith('#'));

    /// <summary>Words without quotes and escapes; what follows a # is a comment.</summary>
    public static string[] Words(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        var inWord = false;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c == '\\' && quote != '\'')
            {
                i += Escaped(line, i, word);
                inWord = true;
            }
            else if (quote != '\0' ? c == quote : c is '"' or '\'')
            {
                quote = quote == '\0' ? c : '\0';
                inWord = true;
            }
            else if (quote == '\0' && c == '#')
            {
                break;
            }
            else if (quote == '\0' && c is ' ' or '\t')
            {
                if (inWord)
                {
                    words.Add(word.ToString());
                }
                word.Clear();
                inWord = false;
            }
            else
            {
                word.Append(c);
                inWord = true;
            }
        }
        if (inWord)
        {
            words.Add(word.ToString());
        }
        return [.. words];
    }

    /// <summary>Reads what a backslash begins; returns how many characters follow it. Before other characters it stays, as regular expressions need it.</summary>
    private static int Escaped(string line, int at, StringBuilder word)
    {
        if (at + 1 == line.Length)
        {
            word.Append('\\');
            return 0;
        }
        switch (line[at + 1])
        {
            case ' ' or '\\' or '#' or '\'' or '"' or '$':
                word.Append(line[at + 1]);
                return 1;
            case 't':
                word.Append('\t');
                return 1;
            case 'r':
                word.Append('\r');
                return 1;
            case 'x' when at + 3 < line.Length && char.IsAsciiHexDigit(line[at + 2]) && char.IsAsciiHexDigit(line[at + 3]):
                word.Append((char)Convert.ToByte(line.Substring(at + 2, 2), 16));
                return 3;
            default:
                word.Append('\\').Append(line[at + 1]);
                return 1;
        }
    }
}
