using System.Globalization;
using System.Text;
using Pacer.Edge.Balancing.Http;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Writes a backend of HAProxy but for its servers: everything that the labels of a port ask for holds on each listener that leads there.</summary>
internal static class HaproxyBackend
{
    private const string Html = "\"text/html; charset=utf-8\"";

    /// <param name="page">Keeps a page as a file; returns its path.</param>
    public static void Write(HaproxyProxy proxy, HaproxySetup setup, Action<string> line, Func<string, string> page)
    {
        var settings = proxy.Backend.Settings;
        var http = proxy.Mode == ServiceMode.Http;
        line($"backend {proxy.Name}");
        line($"  mode {(http ? "http" : "tcp")}");
        line($"  balance {BalanceOf(settings.Balance, http)}");
        if (settings.Balance.Algorithm is BalanceAlgorithm.Source or BalanceAlgorithm.Uri or BalanceAlgorithm.UrlParameter or BalanceAlgorithm.Header)
        {
            line("  hash-type consistent");
        }
        line($"  timeout connect {HaproxyWord.Milliseconds(settings.ConnectTimeout)}");
        line($"  timeout server {HaproxyWord.Milliseconds(settings.ServerTimeout)}");
        line($"  timeout tunnel {HaproxyWord.Milliseconds(settings.TunnelTimeout)}");
        line($"  timeout queue {HaproxyWord.Milliseconds(settings.QueueTimeout)}");
        line(string.Create(CultureInfo.InvariantCulture, $"  retries {settings.Retries}"));
        line("  option redispatch 1");
        if (http)
        {
            WriteHttp(proxy, setup, line, page);
        }
        else
        {
            if (settings.AllowedNetworks is not null)
            {
                line("  tcp-request content reject" + Outsiders(settings, line));
            }
            if (settings.Maintenance)
            {
                line("  tcp-request content reject");
            }
        }
        foreach (var words in settings.Raw.Backend)
        {
            line("  " + RawLine.Of(words, proxy.Name, proxy.Backend));
        }
        var options = new List<string>();
        if (settings.MaxConnections > 0)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"maxconn {settings.MaxConnections}"));
        }
        if (http && settings.ServerProtocol == ServerProtocol.Http2)
        {
            options.Add("proto h2");
        }
        if (http && settings.ServerProtocol == ServerProtocol.Https)
        {
            // Servers are reached by address, which certificates seldom name: the name is not looked at.
            options.Add("ssl " + (settings.VerifyServers ? "verify required ca-file @system-ca" : "verify none"));
        }
        if (!http && settings.SendProxy > 0)
        {
            options.Add(settings.SendProxy == 1 ? "send-proxy" : "send-proxy-v2");
        }
        options.AddRange(settings.Raw.Server.Select(HaproxyWord.Of));
        if (options.Count > 0)
        {
            line("  default-server " + string.Join(' ', options));
        }
    }

    private static void WriteHttp(HaproxyProxy proxy, HaproxySetup setup, Action<string> line, Func<string, string> page)
    {
        var settings = proxy.Backend.Settings;
        // Only connections that fail are tried again: to repeat requests HAProxy would copy each one first, a quarter of all it does.
        line("  http-request set-timeout server " + HaproxyWord.Milliseconds(settings.TunnelTimeout) + " if { req.hdr(accept) -m sub -i text/event-stream } || { req.hdr(content-type) -m beg -i application/grpc }");
        if (settings.AllowedNetworks is not null)
        {
            var condition = Outsiders(settings, line);
            line($"  http-request return status 403 content-type {Html} file {page(Encoding.UTF8.GetString(Pages.Render(Pages.Forbidden)))}{condition}");
        }
        if (settings.RedirectToHttps && setup.Http is not null)
        {
            var port = setup.Https is null or { Port: 443 } ? "" : string.Create(CultureInfo.InvariantCulture, $":{setup.Https.Port}");
            line($"  http-request redirect code 301 location https://%[var(txn.host)]{port}%[pathq] if {{ fe_name -m str {HaproxyRenderer.Web} }} !{{ ssl_fc }}");
        }
        if (settings.Auth is { } auth)
        {
            var realm = new string([.. auth.Realm.Where(c => c is >= ' ' and < (char)127 and not '"' and not '\\')]);
            // Without a user nobody is let in.
            line($"  http-request auth{(realm.Length > 0 ? " realm " + HaproxyWord.Of(realm) : "")}{(auth.User.Length > 0 ? $" if !{{ http_auth({proxy.Name}) }}" : "")}");
        }
        if (settings.Maintenance)
        {
            line($"  http-request return status 503 content-type {Html} file {page(setup.ErrorPage)} hdr Retry-After 60 hdr Cache-Control no-cache");
        }
        if (settings.RootRedirect is { } start)
        {
            line($"  http-request redirect code 301 location {HaproxyWord.OfFormat(start)} if {{ path / }}");
        }
        line("  option forwardfor");
        line("  http-request set-header X-Forwarded-Port %[dst_port]");
        line("  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]");
        line("  http-request set-header X-Forwarded-Host %[req.hdr(host)]");
        foreach (var rule in settings.RequestHeaders)
        {
            line("  http-request " + Edit(rule));
        }
        if (settings.ProxyPassPath is { Length: > 0 } stripped)
        {
            if (settings.Hosts.Count > 0 && !settings.Hosts[0].StartsWith('*'))
            {
                line($"  http-request set-header Host {HaproxyWord.OfFormat(settings.Hosts[0])}");
            }
            var prefix = stripped.TrimEnd('/');
            if (prefix.Length > 0)
            {
                line($"  http-request set-path / if {{ path -m str -- {HaproxyWord.Of(prefix)} }}");
                line(string.Create(CultureInfo.InvariantCulture, $"  http-request set-path %[path,bytes({Encoding.UTF8.GetByteCount(prefix)})] if {{ path -m beg -- {HaproxyWord.Of(prefix + "/")} }}"));
            }
        }
        if (settings.ServerProtocol == ServerProtocol.Http2)
        {
            // Servers without TLS reset streams whose scheme says that there is.
            line("  http-request set-uri http://%[req.hdr(host)]%[pathq] if { ssl_fc }");
        }
        if (settings.ReverseProxyPath is { } root)
        {
            line($"  http-response replace-header Location ^(?:https?://[^/]+)?(/.*)$ {HaproxyWord.OfFormat(root.Replace("\\", "\\\\", StringComparison.Ordinal))}\\\\1");
        }
        if (settings.Hsts)
        {
            line("  http-response set-header Strict-Transport-Security max-age=15768000");
        }
        foreach (var rule in settings.ResponseHeaders)
        {
            line("  http-response " + Edit(rule));
        }
        if (proxy.Sticky)
        {
            line($"  cookie {StickyCookie.Name} insert indirect nocache");
        }
    }

    // A line has at most 64 words.
    private static string Outsiders(PortSettings settings, Action<string> line)
    {
        var allowed = settings.AllowedNetworks ?? [];
        foreach (var networks in allowed.Chunk(40))
        {
            line("  acl pacer_allowed src " + string.Join(' ', networks));
        }
        return allowed.Count == 0 ? "" : " unless pacer_allowed";
    }

    private static string Edit(HeaderRule rule) => rule.Edit switch
    {
        HeaderEdit.Remove => $"del-header {HaproxyWord.Of(rule.Name)}",
        HeaderEdit.Add => $"add-header {HaproxyWord.Of(rule.Name)} {HaproxyWord.OfFormat(rule.Value)}",
        _ => $"set-header {HaproxyWord.Of(rule.Name)} {HaproxyWord.OfFormat(rule.Value)}",
    };

    private static string BalanceOf(Balance balance, bool http) => balance.Algorithm switch
    {
        BalanceAlgorithm.LeastConnections => "leastconn",
        BalanceAlgorithm.First => "first",
        BalanceAlgorithm.Random => "random",
        BalanceAlgorithm.Source => "source",
        BalanceAlgorithm.Uri => http ? "uri" : "source",
        BalanceAlgorithm.UrlParameter => http ? "url_param " + HaproxyWord.Of(balance.Parameter!) : "source",
        BalanceAlgorithm.Header => http ? $"hdr({HaproxyWord.Of(balance.Parameter!)})" : "source",
        _ => "roundrobin",
    };
}
