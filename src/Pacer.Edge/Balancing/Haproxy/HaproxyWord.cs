using System.Globalization;
using System.Text;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Text of users as one word of HAProxy's configuration, whatever is in it.</summary>
internal static class HaproxyWord
{
    private const string Safe = "-_./:@=+,*?&;!^<>|~()[]";

    public static string Of(string text)
    {
        if (text.Length == 0)
        {
            return "\"\"";
        }
        var word = new StringBuilder(text.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)octet;
            if (char.IsAsciiLetterOrDigit(c) || Safe.Contains(c, StringComparison.Ordinal))
            {
                word.Append(c);
            }
            else if (c is '%' or '$' or '{' or '}')
            {
                word.Append(c); // nothing special outside of quotes
            }
            else
            {
                word.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}");
            }
        }
        return word.ToString();
    }

    /// <summary>Where HAProxy would look for variables in it.</summary>
    public static string OfFormat(string text) => Of(text.Replace("%", "%%", StringComparison.Ordinal));

    /// <summary>A name of a section: letters, digits and a few signs are all that is allowed.</summary>
    public static string Name(string text) => string.Create(text.Length, text, (span, from) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = char.IsAsciiLetterOrDigit(from[i]) || from[i] is '-' or '_' or '.' ? from[i] : '_';
        }
    });

    public static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp((long)Math.Ceiling(time.TotalMilliseconds), 1, int.MaxValue)}ms");
}
