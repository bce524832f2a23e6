namespace Pacer.Edge.Balancing.Labels;

/// <summary>What labels say in HAProxy's words and only HAProxy can do. Lines are lists of words as HAProxy reads them, without quotes and escapes.</summary>
internal sealed record RawText
{
    public static readonly RawText None = new();

    /// <summary>Lines of the frontend of the service port.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Frontend { get; init; } = [];

    /// <summary>Lines of the backend.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Backend { get; init; } = [];

    /// <summary>Options of each server.</summary>
    public IReadOnlyList<string> Server { get; init; } = [];

    /// <summary>Options of the listener on the service port.</summary>
    public IReadOnlyList<string> Bind { get; init; } = [];
}

/// <summary>
/// Which of HAProxy's words labels may use. Whoever may deploy an app may not read files of the balancer's machine, run programs on it or begin
/// sections: HAProxy reads its configuration as root.
/// </summary>
internal static class RawRules
{
    private static readonly HashSet<string> Both = new(StringComparer.Ordinal)
    {
        "acl", "http-request", "http-response", "http-after-response", "tcp-request", "option", "no", "compression", "stick-table", "redirect", "errorloc", "errorloc302", "errorloc303",
        "unique-id-format", "unique-id-header", "monitor-uri", "capture", "declare",
    };

    private static readonly HashSet<string> OfFrontend = new(StringComparer.Ordinal) { "maxconn", "rate-limit", "backlog" };

    private static readonly HashSet<string> OfBackend = new(StringComparer.Ordinal)
    {
        "tcp-response", "stick", "hash-type", "hash-balance-factor", "http-reuse", "fullconn", "retry-on", "http-send-name-header", "force-persist", "ignore-persist", "max-keep-alive-queue",
    };

    private static readonly HashSet<string> Forbidden = new(StringComparer.Ordinal) { "-f", "-M", "file", "lf-file", "errorfile", "errorfiles", "use-service", "external-check" };

    private static readonly string[] ForbiddenParts = ["lua.", "env(", "map(", "map_", "acl("];

    // With the number of words that follow.
    private static readonly Dictionary<string, int> ServerOptions = new(StringComparer.Ordinal)
    {
        ["backup"] = 0, ["slowstart"] = 1, ["minconn"] = 1, ["maxqueue"] = 1, ["pool-max-conn"] = 1, ["pool-low-conn"] = 1, ["pool-purge-delay"] = 1, ["max-reuse"] = 1, ["sni"] = 1, ["alpn"] = 1,
        ["ssl-min-ver"] = 1, ["ssl-max-ver"] = 1, ["force-tlsv12"] = 0, ["force-tlsv13"] = 0, ["no-ssl-reuse"] = 0, ["no-tls-tickets"] = 0, ["ciphers"] = 1, ["ciphersuites"] = 1, ["verifyhost"] = 1,
        ["tfo"] = 0, ["tcp-ut"] = 1, ["proxy-v2-options"] = 1, ["send-proxy-v2-ssl"] = 0, ["send-proxy-v2-ssl-cn"] = 0,
    };

    // Certificates of clients are in files, as those of SSL_CERT are.
    private static readonly Dictionary<string, int> BindOptions = new(StringComparer.Ordinal)
    {
        ["ciphers"] = 1, ["ciphersuites"] = 1, ["curves"] = 1, ["ecdhe"] = 1, ["ssl-max-ver"] = 1, ["strict-sni"] = 0, ["prefer-client-ciphers"] = 0, ["ca-file"] = 1, ["crl-file"] = 1, ["verify"] = 1,
        ["crt-ignore-err"] = 1, ["ca-ignore-err"] = 1, ["defer-accept"] = 0, ["tcp-ut"] = 1, ["mss"] = 1, ["interface"] = 1, ["nice"] = 1,
    };

    public static bool Allows(IReadOnlyList<string> line, bool frontend) =>
        (Both.Contains(line[0]) || (frontend ? OfFrontend : OfBackend).Contains(line[0])) && (line[0] != "no" || line is [_, "option", ..])
        && line.All(word => !Forbidden.Contains(word) && !word.Contains('\0', StringComparison.Ordinal) && !Array.Exists(ForbiddenParts, part => word.Contains(part, StringComparison.OrdinalIgnoreCase)));

    /// <summary>The words that an option at this place is made of; 0: labels may not use it.</summary>
    public static int ServerOption(string[] words, int at) => Length(ServerOptions, words, at);

    public static int BindOption(string[] words, int at) => Length(BindOptions, words, at);

    private static int Length(Dictionary<string, int> known, string[] words, int at) =>
        known.TryGetValue(words[at], out var more) && at + more < words.Length && !words.Skip(at).Take(more + 1).Any(word => word.Contains('\0', StringComparison.Ordinal)) ? more + 1 : 0;
}
