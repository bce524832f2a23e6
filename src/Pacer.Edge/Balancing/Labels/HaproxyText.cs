namespace Pacer.Edge.Balancing.Labels;

/// <summary>Says that something of a label has no effect.</summary>
/// <param name="line">What.</param>
/// <param name="haproxyTakesIt">It is kept for HAProxy, and has an effect where that is the data path.</param>
internal delegate void UntranslatedText(string line, string why, bool haproxyTakesIt);

/// <summary>
/// Takes from HAProxy's configuration text what has a meaning here: timeouts, headers, the balance, options of servers. What is left is
/// named in a warning, line by line, and kept for HAProxy if labels may say it.
/// </summary>
internal static class HaproxyText
{
    // What they ask for is so already, or makes no difference to clients and servers.
    private static readonly HashSet<string> Given = new(StringComparer.Ordinal)
    {
        "forwardfor", "httplog", "tcplog", "dontlognull", "http-server-close", "http-keep-alive", "httpclose", "forceclose", "redispatch", "tcpka", "clitcpka", "srvtcpka", "log-health-checks",
        "http-use-htx", "socket-stats", "http-pretend-keepalive",
    };

    /// <param name="frontend">It is of the frontend; else of the backend.</param>
    public static PortSettings Section(string text, PortSettings settings, bool frontend, UntranslatedText warn)
    {
        foreach (var line in HaproxyLine.Split(text))
        {
            if (HaproxyLine.Words(line) is { Length: > 0 } words)
            {
                settings = Directive(line, words, settings, frontend, warn);
            }
        }
        return settings;
    }

    /// <summary>The options after a server's name and address.</summary>
    public static PortSettings ServerOptions(string text, PortSettings settings, UntranslatedText warn)
    {
        foreach (var line in HaproxyLine.Split(text))
        {
            var words = HaproxyLine.Words(line);
            var (unknown, raw) = (new List<string>(), new List<string>());
            for (var i = 0; i < words.Length; i++)
            {
                switch (words[i])
                {
                    case "server" when i == 0:
                        i += 2; // name and address: known better here
                        break;
                    case "check" or "agent-check" or "no-check":
                        break;
                    case "inter" or "fastinter" or "downinter" or "fall" or "rise" or "port" or "cookie" or "id" when i + 1 < words.Length:
                        i++;
                        break;
                    case "maxconn" when i + 1 < words.Length && LabelText.Whole(words[i + 1], 0, 1_000_000) is { } most:
                        settings = settings with { MaxConnections = most };
                        i++;
                        break;
                    case "weight" when i + 1 < words.Length && LabelText.Whole(words[i + 1], 0, 256) is { } weight:
                        settings = settings with { ServerWeight = weight };
                        i++;
                        break;
                    case "send-proxy":
                        settings = settings with { SendProxy = 1 };
                        break;
                    case "send-proxy-v2":
                        settings = settings with { SendProxy = 2 };
                        break;
                    case "ssl":
                        settings = settings with { ServerProtocol = ServerProtocol.Https };
                        break;
                    case "verify" when i + 1 < words.Length && words[i + 1] is "none" or "required":
                        settings = settings with { VerifyServers = words[++i] == "required" };
                        break;
                    case "proto" when i + 1 < words.Length && words[i + 1] == "h2":
                        settings = settings with { ServerProtocol = ServerProtocol.Http2 };
                        i++;
                        break;
                    case var word when word.StartsWith('{'):
                        break; // {cookieOptions} and their like
                    case var word:
                        i += Keep(words, i, RawRules.ServerOption(words, i), word, raw, unknown);
                        break;
                }
            }
            WarnOf(unknown, raw, line, warn);
            settings = raw.Count == 0 ? settings : settings with { Raw = settings.Raw with { Server = [.. settings.Raw.Server, .. raw] } };
        }
        return settings;
    }

    /// <summary>Options of a listener.</summary>
    public static PortSettings BindOptions(string text, PortSettings settings, UntranslatedText warn)
    {
        var words = HaproxyLine.Words(text);
        var (unknown, raw) = (new List<string>(), new List<string>());
        for (var i = 0; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "accept-proxy":
                    settings = settings with { AcceptProxy = true };
                    break;
                case "crt" when i + 1 < words.Length:
                    settings = settings with { Certificates = [.. settings.Certificates, words[++i]] };
                    break;
                case "ssl" or "no-sslv3" or "no-tlsv10" or "no-tlsv11" or "no-tls-tickets" or "force-tlsv12" or "force-tlsv13" or "tfo" or "v4v6":
                    break; // older versions of TLS are never spoken
                case "alpn" or "ssl-min-ver" or "name" or "maxconn" or "backlog" when i + 1 < words.Length:
                    i++;
                    break;
                case var word:
                    i += Keep(words, i, RawRules.BindOption(words, i), word, raw, unknown);
                    break;
            }
        }
        WarnOf(unknown, raw, text, warn);
        return raw.Count == 0 ? settings : settings with { Raw = settings.Raw with { Bind = [.. settings.Raw.Bind, .. raw] } };
    }

    /// <summary>Keeps an option of so many words for HAProxy; returns how many words more than one that are.</summary>
    private static int Keep(string[] words, int at, int count, string word, List<string> raw, List<string> unknown)
    {
        if (count == 0)
        {
            unknown.Add(word);
            return 0;
        }
        raw.AddRange(words.Skip(at).Take(count));
        return count - 1;
    }

    private static void WarnOf(List<string> unknown, List<string> raw, string line, UntranslatedText warn)
    {
        foreach (var (words, kept) in new[] { (unknown, false), (raw, true) })
        {
            if (words.Count > 0)
            {
                warn(line, $"'{string.Join(' ', words)}' can't be translated", kept);
            }
        }
    }

    private static PortSettings Directive(string line, string[] words, PortSettings settings, bool frontend, UntranslatedText warn)
    {
        switch (words)
        {
            // Lines of Marathon-LB's own templates, which a label has to repeat.
            case ["frontend" or "backend" or "listen" or "userlist", ..]:
            case ["bind", var place, ..] when place.StartsWith("{bindAddr}:{servicePort}", StringComparison.Ordinal):
            case ["mode" or "balance", "{mode}" or "{balance}"]:
            case ["use_backend" or "default_backend", "{backend}"]:
            case ["user", "{user}", ..]:
            case ["http-request", "set-header", "X-Forwarded-Port", "%[dst_port]"]:
            case ["http-request", "add-header" or "set-header", "X-Forwarded-Proto", "https", "if", ..]:
            case ["log" or "description", ..]:
                return settings;
            case ["cookie", "mesosphere_server_id" or "{cookie}", ..]:
                return settings with { Sticky = true };
            case ["option", var option, ..] when Given.Contains(option):
                return settings;
            case ["retries", var text] when LabelText.Whole(text, 0, 100) is { } retries:
                return settings with { Retries = retries };
            case ["balance", ..] when LabelText.Balance(line[7..]) is { } balance:
                return settings with { Balance = balance };
            case ["timeout", var which, var text] when LabelText.Duration(text) is { } time:
                return which switch
                {
                    "connect" => settings with { ConnectTimeout = time },
                    "server" => settings with { ServerTimeout = time },
                    "tunnel" => settings with { TunnelTimeout = time },
                    "queue" => settings with { QueueTimeout = time },
                    "client" or "check" or "client-fin" or "server-fin" or "http-request" or "http-keep-alive" => settings,
                    _ => Untranslated(),
                };
            case ["rspadd" or "http-response", ..] when line.Contains("Strict-Transport-Security", StringComparison.OrdinalIgnoreCase) && words is ["rspadd", ..]:
                return settings with { Hsts = true };
            case ["http-request", var edit, var name, .. var rest] when Edit(edit, name, rest) is { } rule:
                return settings with { RequestHeaders = [.. settings.RequestHeaders, rule] };
            case ["http-response", var edit, var name, .. var rest] when Edit(edit, name, rest) is { } rule:
                return settings with { ResponseHeaders = [.. settings.ResponseHeaders, rule] };
            default:
                return Untranslated();
        }

        PortSettings Untranslated()
        {
            var allowed = RawRules.Allows(words, frontend);
            warn(line, "it is raw text for HAProxy and can't be translated", allowed);
            return !allowed ? settings : settings with
            {
                Raw = frontend ? settings.Raw with { Frontend = [.. settings.Raw.Frontend, words] } : settings.Raw with { Backend = [.. settings.Raw.Backend, words] },
            };
        }
    }

    // Only fixed values: %[…] is a program for HAProxy.
    private static HeaderRule? Edit(string edit, string name, string[] rest)
    {
        var isName = name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
        return (edit, rest) switch
        {
            _ when !isName => null,
            ("del-header", []) => new HeaderRule(HeaderEdit.Remove, name, ""),
            ("set-header", [var value]) when IsFixed(value) => new HeaderRule(HeaderEdit.Set, name, value),
            ("add-header", [var value]) when IsFixed(value) => new HeaderRule(HeaderEdit.Add, name, value),
            _ => null,
        };
    }

    private static bool IsFixed(string value) => !value.Contains('%', StringComparison.Ordinal) && value.All(c => c is >= ' ' and < (char)127);
}
