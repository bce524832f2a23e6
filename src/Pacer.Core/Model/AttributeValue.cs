using System.Globalization;

namespace Pacer.Core.Model;

/// <summary>
/// Attributes of nodes have Mesos' forms: text, scalar (<c>2.5</c>), ranges (<c>[1-3,5-9]</c>), set (<c>{a,b}</c>). Constraints compare
/// texts, so each value is kept as the one text that Mesos would print.
/// </summary>
public static class AttributeValue
{
    /// <summary>
    /// The text as it is compared: scalars with up to three decimals (half to even), ranges by their begin, sets in order; all else as it is.
    /// </summary>
    public static string Canonical(string text)
    {
        text = text.Trim();
        if (text.Length >= 2 && text[0] == '[' && text[^1] == ']')
        {
            return Ranges(text[1..^1]) ?? text;
        }
        if (text.Length >= 2 && text[0] == '{' && text[^1] == '}')
        {
            var members = text[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return "{" + string.Join(',', members.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) + "}";
        }
        return TryScalar(text, out var number) ? Number(number) : text;
    }

    public static bool TryScalar(string text, out decimal number) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    /// <summary>Up to three decimals, half to even, no trailing zeros.</summary>
    public static string Number(decimal number) =>
        Math.Round(number, 3, MidpointRounding.ToEven).ToString("0.###", CultureInfo.InvariantCulture);

    private static string? Ranges(string text)
    {
        var ranges = new List<(ulong First, ulong Last)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length != 2
                || !ulong.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !ulong.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || first > last)
            {
                return null;
            }
            ranges.Add((first, last));
        }
        ranges.Sort();
        return "[" + string.Join(',', ranges.Select(range => string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}"))) + "]";
    }
}
