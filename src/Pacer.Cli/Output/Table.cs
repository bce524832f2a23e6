using System.Text;

namespace Pacer.Cli.Output;

internal enum Tone { Plain, Good, Busy, Bad }

/// <summary>Aligned columns under upper-case headers. On a terminal the last column is cut at its edge; elsewhere nothing is.</summary>
internal sealed class Table(params string[] headers)
{
    private readonly List<(string Text, Tone Tone)[]> _rows = [];

    public void Add(params (string Text, Tone Tone)[] cells) => _rows.Add(cells);

    public void Add(params string[] cells) => _rows.Add(Array.ConvertAll(cells, cell => (cell, Tone.Plain)));

    public void WriteTo(Terminal terminal)
    {
        var widths = new int[headers.Length];
        for (var column = 0; column < headers.Length; column++)
        {
            widths[column] = headers[column].Length;
            foreach (var row in _rows)
            {
                widths[column] = Math.Max(widths[column], row[column].Text.Length);
            }
        }

        var text = new StringBuilder();
        AppendRow(text, Array.ConvertAll(headers, header => (header, Tone.Plain)), widths, terminal);
        foreach (var row in _rows)
        {
            AppendRow(text, row, widths, terminal);
        }
        terminal.Output.Write(text);
    }

    private static void AppendRow(StringBuilder text, (string Text, Tone Tone)[] cells, int[] widths, Terminal terminal)
    {
        var used = 0;
        for (var column = 0; column < cells.Length; column++)
        {
            var (cell, tone) = cells[column];
            var isLast = column == cells.Length - 1;
            if (isLast && terminal.IsInteractive && used + cell.Length > terminal.Width)
            {
                var room = Math.Max(8, terminal.Width - used);
                cell = cell.Length > room ? cell[..(room - 1)] + "…" : cell;
            }
            text.Append(terminal.HasColour ? Coloured(cell, tone) : cell);
            if (!isLast)
            {
                text.Append(' ', widths[column] - cell.Length + 2);
            }
            used += widths[column] + 2;
        }
        while (text.Length > 0 && text[^1] == ' ')
        {
            text.Length--;
        }
        text.Append('\n');
    }

    private static string Coloured(string text, Tone tone) => tone switch
    {
        Tone.Good => $"\u001b[32m{text}\u001b[0m",
        Tone.Busy => $"\u001b[33m{text}\u001b[0m",
        Tone.Bad => $"\u001b[31m{text}\u001b[0m",
        _ => text,
    };
}
