using System.Globalization;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Writes a line that a label has for HAProxy, with Marathon-LB's substitutions.</summary>
internal static class RawLine
{
    /// <param name="name">Of the proxy that the line is in.</param>
    public static string Of(IReadOnlyList<string> words, string name, Backend backend)
    {
        var settings = backend.Settings;
        var host = settings.Hosts.Count > 0 ? settings.Hosts[0] : "";
        (string From, string To)[] substitutions =
        [
            ("{backend}", name), ("{servicePort}", settings.ListenPort.ToString(CultureInfo.InvariantCulture)), ("{bindAddr}", settings.BindAddress?.ToString() ?? "*"),
            ("{mode}", settings.Mode == ServiceMode.Http ? "http" : "tcp"), ("{hostname}", host), ("{cleanedUpHostname}", Clean(host)), ("{appId}", backend.ServiceId),
            ("{cleanedUpAppId}", Clean(backend.ServiceId)), ("{path}", settings.Paths.Count > 0 ? settings.Paths[0] : "/"),
            ("{{", "{"), ("}}", "}"), // where templates are filled in, a brace is written twice
        ];
        return string.Join(' ', words.Select(word => HaproxyWord.Of(substitutions.Aggregate(word, (text, by) => text.Replace(by.From, by.To, StringComparison.Ordinal)))));
    }

    private static string Clean(string text) => string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'));
}
