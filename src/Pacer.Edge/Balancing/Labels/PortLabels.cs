using System.Globalization;
using System.Net;

namespace Pacer.Edge.Balancing.Labels;

/// <summary>Something a label asks for that is not done, or not as it says.</summary>
/// <param name="ServiceId">"/shop/cart".</param>
/// <param name="Label">Null when no single label is to blame.</param>
/// <param name="Text">What and why, fit for users.</param>
internal sealed record BalancerWarning(string ServiceId, string? Label, string Text);

/// <summary>Reads the labels of one port: <c>HAPROXY_{n}_…</c> as Marathon-LB has them, and Pacer's own <c>PACER_LB_{n}_…</c>.</summary>
internal sealed class PortLabels
{
    private readonly string _serviceId;
    private readonly IReadOnlyDictionary<string, string> _labels;
    private readonly int _index;
    private readonly ICollection<BalancerWarning> _warnings;
    private readonly bool _haproxy;

    private PortLabels(string serviceId, IReadOnlyDictionary<string, string> labels, int index, bool haproxy, ICollection<BalancerWarning> warnings)
    {
        _serviceId = serviceId;
        _labels = labels;
        _index = index;
        _haproxy = haproxy;
        _warnings = warnings;
    }

    /// <param name="servicePort">0: it has none.</param>
    /// <param name="speaksHttp">Its health check does.</param>
    /// <param name="ports">Number of ports that the service has.</param>
    /// <param name="haproxy">HAProxy is the data path and takes text that can't be translated.</param>
    public static PortSettings Read(
        string serviceId, IReadOnlyDictionary<string, string> labels, int index, int ports, int servicePort, bool speaksHttp, bool strict, bool haproxy, ICollection<BalancerWarning> warnings) =>
        new PortLabels(serviceId, labels, index, haproxy, warnings).Read(ports, servicePort, speaksHttp, strict);

    private PortSettings Read(int ports, int servicePort, bool speaksHttp, bool strict)
    {
        var hosts = Hosts();
        var hasHost = hosts.Count > 0;
        var (paths, ignoreCase) = Paths(hosts);
        var weight = Text("BACKEND_WEIGHT") is { } text ? Checked("BACKEND_WEIGHT", LabelText.Whole(text, int.MinValue, int.MaxValue), text, "a whole number") : null;
        var settings = new PortSettings
        {
            Enabled = Text("ENABLED") is { } enabled ? LabelText.IsTrue(enabled) : !strict,
            Groups = LabelText.List(Text("GROUP") ?? _labels.GetValueOrDefault("HAPROXY_GROUP") ?? ""),
            Hosts = hosts,
            Paths = paths,
            PathsIgnoreCase = ignoreCase,
            ListenPort = Text("PORT") is { } port ? Checked("PORT", LabelText.Port(port), port, "a port from 1 to 65535") ?? servicePort : servicePort,
            Mode = Mode(hasHost, speaksHttp),
            Balance = Text("BALANCE") is { } balance
                ? Checked("BALANCE", LabelText.Balance(balance), balance, "roundrobin, static-rr, leastconn, first, source, uri, url_param NAME, hdr(NAME), random or rdp-cookie") ?? Balance.RoundRobin
                : Balance.RoundRobin,
            Sticky = IsTrue("STICKY"),
            RedirectToHttps = IsTrue("REDIRECT_TO_HTTPS"),
            Hsts = IsTrue("USE_HSTS"),
            Certificates = LabelText.List((Text("SSL_CERT") ?? "").Replace(" crt ", ",", StringComparison.Ordinal)),
            Auth = Auth(),
            BindAddress = BindAddress(),
            Weight = weight is { } given and not 0 ? given : paths.Count > 0 ? 1 : 0,
            AllowedNetworks = Networks(),
            ProxyPassPath = PathOf("HTTP_BACKEND_PROXYPASS_PATH"),
            ReverseProxyPath = PathOf("HTTP_BACKEND_REVPROXY_PATH"),
            RootRedirect = Redirect(),
        };
        if (Text("BACKEND_HEALTHCHECK_PORT_INDEX") is { } borrowed)
        {
            // Whether a task is healthy is decided by all checks of its app, so there is nothing to borrow; only a mistake is worth a word.
            Checked("BACKEND_HEALTHCHECK_PORT_INDEX", LabelText.Whole(borrowed, 0, ports - 1), borrowed, $"the index of a port, 0 to {ports - 1}");
        }
        settings = Raw(settings);
        settings = Own(settings);
        return Consistent(settings);
    }

    private List<string> Hosts()
    {
        var hosts = new List<string>();
        foreach (var name in LabelText.List(Text("VHOST") ?? ""))
        {
            if (Checked("VHOST", LabelText.Host(name), name, "host names separated by commas, such as shop.example,*.shop.example") is { } host && !hosts.Contains(host))
            {
                hosts.Add(host);
            }
        }
        return hosts;
    }

    private (List<string>, bool) Paths(List<string> hosts)
    {
        var paths = new List<string>();
        var ignoreCase = false;
        if (Text("PATH") is not { } text)
        {
            return (paths, false);
        }
        if (hosts.Count == 0)
        {
            Warn("PATH", "has no effect without a VHOST");
            return (paths, false);
        }
        var all = false;
        foreach (var word in LabelText.Words(text))
        {
            if (word == "-i")
            {
                ignoreCase = true;
            }
            else if (Checked("PATH", word.StartsWith('/') ? word : null, word, "prefixes that begin with a slash, such as /api /v2; -i before them for any case") is { } path)
            {
                all |= path == "/";
                if (!paths.Contains(path))
                {
                    paths.Add(path);
                }
            }
        }
        if (paths.Count == 0)
        {
            hosts.Clear(); // none of the prefixes can be used, which must not open all paths
        }
        return (all ? [] : paths, ignoreCase);
    }

    private ServiceMode Mode(bool hasHost, bool speaksHttp)
    {
        var mode = hasHost || speaksHttp ? ServiceMode.Http : ServiceMode.Tcp;
        return Text("MODE") is not { } text ? mode : text.Trim().ToLowerInvariant() switch
        {
            "http" => ServiceMode.Http,
            "tcp" => ServiceMode.Tcp,
            _ => Checked<ServiceMode>("MODE", null, text, "http or tcp") ?? mode,
        };
    }

    private BasicAuth? Auth()
    {
        if (Text("AUTH") is not { } text)
        {
            return null;
        }
        var parts = text.Split(':', 3);
        if (parts.Length == 3 && parts[1].Length > 0 && parts[2].Length > 0)
        {
            return new BasicAuth(parts[0], parts[1], parts[2]);
        }
        // A mistake must not open what should be closed: nobody knows this password.
        Warn("AUTH", "is not of the form REALM:USER:HASH; nobody is let in");
        return new BasicAuth("closed", "", "!");
    }

    private IPAddress? BindAddress()
    {
        if (Text("BIND_ADDR")?.Trim() is not { } text || text == "*")
        {
            return null;
        }
        return IPAddress.TryParse(text.Trim('[', ']'), out var address) ? address : Checked<IPAddress>("BIND_ADDR", null, text, "an IP address or *", IPAddress.None);
    }

    private List<IPNetwork>? Networks()
    {
        if (Text("BACKEND_NETWORK_ALLOWED_ACL") is not { } text)
        {
            return null;
        }
        // An address that can't be read allows nobody: a mistake must not open what should be closed.
        var networks = new List<IPNetwork>();
        foreach (var word in LabelText.Words(text))
        {
            if (Checked("BACKEND_NETWORK_ALLOWED_ACL", LabelText.Network(word), word, "addresses and networks separated by blanks, such as 10.0.0.7 10.1.0.0/16") is { } network)
            {
                networks.Add(network);
            }
        }
        return networks;
    }

    private string? PathOf(string label) =>
        Text(label) is { } text ? Checked(label, text.StartsWith('/') ? text.TrimEnd('/') : null, text, "a path such as /app") : null;

    private string? Redirect() => Text("HTTP_BACKEND_REDIR") is { } text
        ? Checked("HTTP_BACKEND_REDIR", text.All(c => c is > ' ' and < (char)127) ? text : null, text, "a path or an address such as /start")
        : null;

    private PortSettings Raw(PortSettings settings)
    {
        if (Text("BIND_OPTIONS") is { } bind)
        {
            settings = HaproxyText.BindOptions(bind, settings, (_, why, taken) => WarnOfText("BIND_OPTIONS", why, taken));
        }
        foreach (var (label, text) in _labels.OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            if (NameOf(label) is not { } name)
            {
                continue;
            }
            if (HaproxyTemplates.Sections.Contains(name))
            {
                settings = HaproxyText.Section(text, settings, name.StartsWith("FRONTEND_", StringComparison.Ordinal), (line, why, taken) => WarnOfText(name, $"'{line}' has no effect: {why}", taken));
            }
            else if (name == HaproxyTemplates.ServerOptions)
            {
                settings = HaproxyText.ServerOptions(text, settings, (_, why, taken) => WarnOfText(name, why, taken));
            }
            else if (HaproxyTemplates.Health.Contains(name))
            {
                Warn(name, "has no effect: the health checks of the app decide");
            }
            else if (HaproxyTemplates.Rules.Contains(name))
            {
                Warn(name, "has no effect: it is raw text for HAProxy; VHOST, PATH, AUTH, BACKEND_WEIGHT and BACKEND_NETWORK_ALLOWED_ACL make rules");
            }
            else if (HaproxyTemplates.Global.Contains(name))
            {
                Warn(name, "has no effect: it is a setting of Marathon-LB as a whole, not of a port");
            }
            else if (!Plain.Contains(name))
            {
                Warn(name, "is not known");
            }
        }
        return settings;
    }

    private PortSettings Own(PortSettings settings)
    {
        if (OwnText("BACKEND_PROTOCOL") is { } protocol)
        {
            settings = protocol.Trim().ToLowerInvariant() switch
            {
                "http" or "http1" => settings with { ServerProtocol = ServerProtocol.Http },
                "h2" or "h2c" or "grpc" => settings with { ServerProtocol = ServerProtocol.Http2 },
                "https" => settings with { ServerProtocol = ServerProtocol.Https },
                "https-insecure" => settings with { ServerProtocol = ServerProtocol.Https, VerifyServers = false },
                _ => Wrong("BACKEND_PROTOCOL", protocol, "http, h2c, https or https-insecure"),
            };
        }
        if (OwnText("MAXCONN") is { } most)
        {
            settings = LabelText.Whole(most, 0, 1_000_000) is { } number ? settings with { MaxConnections = number } : Wrong("MAXCONN", most, "a whole number");
        }
        if (OwnText("TIMEOUT") is { } timeout)
        {
            settings = LabelText.Duration(timeout) is { } time ? settings with { ServerTimeout = time } : Wrong("TIMEOUT", timeout, "a time such as 90s");
        }
        if (OwnText("ACCEPT_PROXY") is { } accept)
        {
            settings = settings with { AcceptProxy = LabelText.IsTrue(accept) };
        }
        if (OwnText("SEND_PROXY") is { } send)
        {
            settings = send.Trim().ToLowerInvariant() switch
            {
                "v1" => settings with { SendProxy = 1 },
                "v2" => settings with { SendProxy = 2 },
                "off" => settings with { SendProxy = 0 },
                _ => Wrong("SEND_PROXY", send, "v1, v2 or off"),
            };
        }
        if (_labels.GetValueOrDefault("PACER_LB_WEIGHT") is { Length: > 0 } weight)
        {
            if (LabelText.Whole(weight, 0, 256) is { } share)
            {
                settings = settings with { ServerWeight = share };
            }
            else if (_index == 0)
            {
                _warnings.Add(new BalancerWarning(_serviceId, "PACER_LB_WEIGHT", $"PACER_LB_WEIGHT: '{weight}' is not valid and has no effect. Give a whole number from 0 to 256."));
            }
        }
        return settings with { Maintenance = LabelText.IsTrue(_labels.GetValueOrDefault("PACER_LB_MAINTENANCE") ?? "") };

        PortSettings Wrong(string label, string text, string wanted)
        {
            var full = string.Create(CultureInfo.InvariantCulture, $"PACER_LB_{_index}_{label}");
            _warnings.Add(new BalancerWarning(_serviceId, full, $"{full}: '{text}' is not valid and has no effect. Give {wanted}."));
            return settings;
        }
    }

    /// <summary>Labels that contradict each other, each said once.</summary>
    private PortSettings Consistent(PortSettings settings)
    {
        if (settings.Mode == ServiceMode.Tcp)
        {
            if (settings.Hosts.Count > 0)
            {
                Warn("MODE", "tcp contradicts VHOST, which has no effect: only HTTP says which host it wants");
                settings = settings with { Hosts = [], Paths = [] };
            }
            if (settings.Auth is not null)
            {
                // Open would be worse than away.
                Warn("AUTH", "needs MODE http; the port is not published");
                settings = settings with { Enabled = false };
            }
            if (settings.Balance.Algorithm is BalanceAlgorithm.Uri or BalanceAlgorithm.UrlParameter or BalanceAlgorithm.Header)
            {
                Warn("BALANCE", "needs MODE http; roundrobin is used");
                settings = settings with { Balance = Balance.RoundRobin };
            }
            WarnWithoutHttp(settings.Sticky, "STICKY");
            WarnWithoutHttp(settings.Hsts, "USE_HSTS");
            WarnWithoutHttp(settings.ProxyPassPath is not null, "HTTP_BACKEND_PROXYPASS_PATH");
            WarnWithoutHttp(settings.ReverseProxyPath is not null, "HTTP_BACKEND_REVPROXY_PATH");
            WarnWithoutHttp(settings.RootRedirect is not null, "HTTP_BACKEND_REDIR");
            settings = settings with { Sticky = false, Hsts = false, ProxyPassPath = null, ReverseProxyPath = null, RootRedirect = null };
        }
        else if (settings.SendProxy > 0 && settings.ServerProtocol == ServerProtocol.Http)
        {
            Warn(null, "sending the PROXY protocol needs MODE tcp: connections of HTTP are shared by clients; X-Forwarded-For has the client");
            settings = settings with { SendProxy = 0 };
        }
        if (settings.RedirectToHttps && settings.Hosts.Count == 0)
        {
            Warn("REDIRECT_TO_HTTPS", "has no effect without a VHOST");
            settings = settings with { RedirectToHttps = false };
        }
        if (Equals(settings.BindAddress, IPAddress.None))
        {
            settings = settings with { ListenPort = 0, BindAddress = null }; // already said
        }
        return settings;
    }

    private void WarnWithoutHttp(bool asked, string label)
    {
        if (asked)
        {
            Warn(label, "needs MODE http and has no effect");
        }
    }

    private string? Text(string label) => _labels.GetValueOrDefault(FullName(label)) is { Length: > 0 } text ? text : null;

    private string? OwnText(string label) =>
        _labels.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"PACER_LB_{_index}_{label}")) is { Length: > 0 } text ? text : null;

    private bool IsTrue(string label) => Text(label) is { } text && LabelText.IsTrue(text);

    private string FullName(string label) => string.Create(CultureInfo.InvariantCulture, $"HAPROXY_{_index}_{label}");

    /// <summary>What follows <c>HAPROXY_{n}_</c>; null for labels of other ports.</summary>
    private string? NameOf(string label)
    {
        var prefix = FullName("");
        return label.StartsWith(prefix, StringComparison.Ordinal) ? label[prefix.Length..] : null;
    }

    private T? Checked<T>(string label, T? value, string text, string wanted, T? otherwise = null) where T : class
    {
        if (value is null)
        {
            Warn(label, $"'{text}' is not valid and has no effect. Give {wanted}");
        }
        return value ?? otherwise;
    }

    private T? Checked<T>(string label, T? value, string text, string wanted) where T : struct
    {
        if (value is null)
        {
            Warn(label, $"'{text}' is not valid and has no effect. Give {wanted}");
        }
        return value;
    }

    private void WarnOfText(string label, string text, bool haproxyTakesIt)
    {
        if (!(haproxyTakesIt && _haproxy))
        {
            Warn(label, haproxyTakesIt ? text + ". Balancers with --lb-engine haproxy take it" : text);
        }
    }

    private void Warn(string? label, string text)
    {
        var full = label is null ? null : FullName(label);
        _warnings.Add(new BalancerWarning(_serviceId, full, full is null ? $"Port {_index}: {text}." : $"{full}: {text}."));
    }

    private static readonly HashSet<string> Plain = new(StringComparer.Ordinal)
    {
        "GROUP", "VHOST", "PATH", "PORT", "MODE", "BALANCE", "STICKY", "ENABLED", "REDIRECT_TO_HTTPS", "USE_HSTS", "SSL_CERT", "AUTH", "BIND_ADDR", "BIND_OPTIONS",
        "BACKEND_WEIGHT", "BACKEND_NETWORK_ALLOWED_ACL", "BACKEND_HEALTHCHECK_PORT_INDEX", "HTTP_BACKEND_PROXYPASS_PATH", "HTTP_BACKEND_REVPROXY_PATH", "HTTP_BACKEND_REDIR",
    };
}
