using System.Globalization;
using System.Net;

namespace Pacer.Edge.Balancing.Labels;

/// <summary>Values of labels. Each reader gives null for a text that it can't make sense of.</summary>
internal static class LabelText
{
    private static readonly char[] Blank = [' ', '\t', '\n', '\r'];

    /// <summary>As Marathon-LB reads it: everything else is false.</summary>
    public static bool IsTrue(string text) => text.Trim().ToLowerInvariant() is "true" or "t" or "yes" or "y";

    public static string[] Words(string text) => text.Split(Blank, StringSplitOptions.RemoveEmptyEntries);

    public static string[] List(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public static int? Port(string text) => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port : null;

    public static int? Whole(string text, int lowest, int highest) =>
        int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= lowest && number <= highest ? number : null;

    /// <summary>HAProxy's form: a number with us, ms, s, m, h or d; without a unit milliseconds.</summary>
    public static TimeSpan? Duration(string text)
    {
        text = text.Trim();
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }
        if (digits is 0 or > 9 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }
        var time = text[digits..] switch
        {
            "us" => TimeSpan.FromMicroseconds(number),
            "" or "ms" => TimeSpan.FromMilliseconds(number),
            "s" => TimeSpan.FromSeconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            "d" => TimeSpan.FromDays(number),
            _ => TimeSpan.Zero,
        };
        return time > TimeSpan.Zero && time <= TimeSpan.FromDays(24) ? time : null;
    }

    public static IPNetwork? Network(string text)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            return new IPNetwork(address, address.GetAddressBytes().Length * 8);
        }
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out var start)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
        {
            return null;
        }
        var bytes = start.GetAddressBytes();
        if (bits > bytes.Length * 8)
        {
            return null;
        }
        for (var i = 0; i < bytes.Length; i++) // 10.1.2.3/16 means 10.1.0.0/16
        {
            var kept = Math.Clamp(bits - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff00 >> kept);
        }
        return new IPNetwork(new IPAddress(bytes), bits);
    }

    /// <summary>Lower case, without a final dot; "*" and "*.example.com" are fine too.</summary>
    public static string? Host(string text)
    {
        var host = text.Trim().TrimEnd('.').ToLowerInvariant();
        if (host == "*")
        {
            return host;
        }
        var name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
        return name.Length is > 0 and <= 253
            && (IPAddress.TryParse(name.Trim('[', ']'), out _)
                || (name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && !name.Split('.').Any(label => label.Length is 0 or > 63)))
            ? host : null;
    }

    public static Balance? Balance(string text)
    {
        text = text.Trim();
        var words = Words(text);
        var name = words.Length == 0 ? "" : words[0].ToLowerInvariant();
        if (name.StartsWith("hdr(", StringComparison.Ordinal) && text.EndsWith(')') && text.Length > 5)
        {
            return new Balance(BalanceAlgorithm.Header, text[4..^1].Trim());
        }
        if (name.StartsWith("random(", StringComparison.Ordinal))
        {
            name = "random";
        }
        return name switch
        {
            "roundrobin" or "static-rr" => Labels.Balance.RoundRobin,
            "leastconn" => new Balance(BalanceAlgorithm.LeastConnections),
            "first" => new Balance(BalanceAlgorithm.First),
            "source" => new Balance(BalanceAlgorithm.Source),
            "uri" => new Balance(BalanceAlgorithm.Uri),
            "url_param" when words.Length > 1 => new Balance(BalanceAlgorithm.UrlParameter, words[1]),
            "random" => new Balance(BalanceAlgorithm.Random),
            // The cookie of remote desktops is not read; one client stays on one server all the same.
            "rdp-cookie" => new Balance(BalanceAlgorithm.Source),
            _ => null,
        };
    }
}
