using System.CommandLine;
using System.Globalization;
using System.Net;

namespace Pacer.Cli.Commands.Roles;

/// <summary>Gives flag values their types; a wrong one is named with its flag and its environment variable.</summary>
internal static class FlagValue
{
    public static double? Number(ParseResult parse, Flag flag, string example) =>
        parse.GetValue(flag) is not { Length: > 0 } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value > 0 && double.IsFinite(value) ? value
        : throw Wrong(flag, text, $"a number above 0 such as {example}");

    public static long? Whole(ParseResult parse, Flag flag, string example) =>
        parse.GetValue(flag) is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is >= 0 and < 1L << 40 ? value
        : throw Wrong(flag, text, $"a whole number such as {example}");

    public static string OneOf(ParseResult parse, Flag flag, params string[] choices) =>
        parse.GetValue(flag) is { } text && choices.Contains(text) ? text
        : throw Wrong(flag, parse.GetValue(flag) ?? "", "one of " + string.Join(", ", choices));

    /// <summary>HOST:PORT; the port may be 0 where any free one will do.</summary>
    public static string Address(ParseResult parse, Flag flag)
    {
        var text = parse.GetValue(flag) ?? "";
        var colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? text
            : throw Wrong(flag, text, "an address and a port such as 127.0.0.1:8080");
    }

    /// <summary>ADDRESS:PORT with an IP address, * or localhost.</summary>
    public static IPEndPoint EndPoint(Flag flag, string text, string? wanted = null)
    {
        var colon = text.LastIndexOf(':');
        var host = colon > 0 ? text[..colon] : "";
        host = host == "localhost" ? "127.0.0.1" : host == "*" ? "0.0.0.0" : host;
        return colon > 0 && IPAddress.TryParse(host, out var address) && (host.StartsWith('[') || !host.Contains(':'))
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new IPEndPoint(address, port)
            : throw Wrong(flag, text, wanted ?? $"an address and a port such as {flag.Standard}");
    }

    /// <summary>Ranges such as <c>31000-32000,33000-33100</c>.</summary>
    public static string PortRanges(ParseResult parse, Flag flag)
    {
        var text = parse.GetValue(flag) ?? "";
        var ranges = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var good = ranges.Length > 0 && ranges.All(range =>
        {
            var ends = range.Split('-');
            return ends.Length == 2
                && ushort.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                && ushort.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                && first > 0 && first <= last;
        });
        return good ? text : throw Wrong(flag, text, "port ranges such as 31000-32000,33000-33100");
    }

    /// <summary>Origins as browsers send them, such as <c>https://dash.example:8443</c>, or <c>*</c>.</summary>
    public static IReadOnlyList<string> Origins(ParseResult parse, Flag flag)
    {
        var text = parse.GetValue(flag) ?? "";
        var origins = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return origins.All(origin => origin == "*" || origin == "null"
            || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.GetLeftPart(UriPartial.Authority) == origin))
            ? origins
            : throw Wrong(flag, text, "origins such as https://dash.example,http://localhost:3000, or *");
    }

    public static CliException Wrong(Flag flag, string text, string wanted) =>
        CliException.Usage($"{flag.Name} (or {flag.Variable}): '{text}' is not valid. Give {wanted}.");
}
