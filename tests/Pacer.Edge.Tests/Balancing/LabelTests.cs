using System.Net;
using CsCheck;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>Each label of Marathon-LB: what it does, and what is said when it can't.</summary>
public sealed class LabelTests
{
    private static (PortSettings Settings, List<BalancerWarning> Warnings) Read(params string[] labels) => ReadStrict(false, false, labels);

    private static (PortSettings Settings, List<BalancerWarning> Warnings) ReadStrict(bool strict, bool speaksHttp, params string[] labels) => ReadAll(strict, speaksHttp, false, labels);

    private static (PortSettings Settings, List<BalancerWarning> Warnings) ReadAll(bool strict, bool speaksHttp, bool haproxy, string[] labels)
    {
        var warnings = new List<BalancerWarning>();
        var settings = PortLabels.Read("/web", labels.Select(label => label.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]), 0, 2, 10004, speaksHttp, strict, haproxy, warnings);
        return (settings, warnings);
    }

    private static PortSettings Clean(params string[] labels)
    {
        var (settings, warnings) = Read(labels);
        Assert.Empty(warnings);
        return settings;
    }

    [Fact]
    public void NoLabels_Defaults_AreMarathonLbs()
    {
        var settings = Clean();
        Assert.True(settings.Enabled);
        Assert.Empty(settings.Groups);
        Assert.Equal((10004, ServiceMode.Tcp, BalanceAlgorithm.RoundRobin, 0), (settings.ListenPort, settings.Mode, settings.Balance.Algorithm, settings.Weight));
        Assert.Equal((3, 30, 3600, 3), ((int)settings.ConnectTimeout.TotalSeconds, (int)settings.ServerTimeout.TotalSeconds, (int)settings.TunnelTimeout.TotalSeconds, settings.Retries));
        Assert.Null(settings.AllowedNetworks);
    }

    public static TheoryData<string, string> Understood => new()
    {
        { "HAPROXY_GROUP=a,b", "groups a b" },
        { "HAPROXY_0_GROUP=c", "groups c" },
        { "HAPROXY_0_VHOST=Shop.Test,*.shop.test,shop.test", "hosts shop.test *.shop.test" },
        { "HAPROXY_0_PATH=/api /v2|HAPROXY_0_VHOST=a", "paths /api /v2 weight 1" },
        { "HAPROXY_0_PATH=-i /api|HAPROXY_0_VHOST=a", "paths /api ignorecase" },
        { "HAPROXY_0_PORT=8080", "port 8080" },
        { "HAPROXY_0_MODE=HTTP", "mode Http" },
        { "HAPROXY_0_MODE=tcp", "mode Tcp" },
        { "HAPROXY_0_VHOST=a", "mode Http" },
        { "HAPROXY_0_BALANCE=leastconn", "balance LeastConnections" },
        { "HAPROXY_0_BALANCE=static-rr", "balance RoundRobin" },
        { "HAPROXY_0_BALANCE=first", "balance First" },
        { "HAPROXY_0_BALANCE=source", "balance Source" },
        { "HAPROXY_0_BALANCE=random(2)", "balance Random" },
        { "HAPROXY_0_BALANCE=rdp-cookie", "balance Source" },
        { "HAPROXY_0_BALANCE=uri|HAPROXY_0_MODE=http", "balance Uri" },
        { "HAPROXY_0_BALANCE=url_param id|HAPROXY_0_MODE=http", "balance UrlParameter id" },
        { "HAPROXY_0_BALANCE=hdr(X-User)|HAPROXY_0_MODE=http", "balance Header X-User" },
        { "HAPROXY_0_STICKY=true|HAPROXY_0_MODE=http", "sticky" },
        { "HAPROXY_0_STICKY=Yes|HAPROXY_0_MODE=http", "sticky" },
        { "HAPROXY_0_ENABLED=no", "disabled" },
        { "HAPROXY_0_REDIRECT_TO_HTTPS=t|HAPROXY_0_VHOST=a", "redirect" },
        { "HAPROXY_0_USE_HSTS=y|HAPROXY_0_MODE=http", "hsts" },
        { "HAPROXY_0_SSL_CERT=/etc/a.pem,/etc/b.pem", "certificates /etc/a.pem /etc/b.pem" },
        { "HAPROXY_0_AUTH=Zone:bob:$1$x$y|HAPROXY_0_MODE=http", "auth Zone bob $1$x$y" },
        { "HAPROXY_0_BIND_ADDR=127.0.0.1", "bind 127.0.0.1" },
        { "HAPROXY_0_BIND_ADDR=*", "" },
        { "HAPROXY_0_BIND_OPTIONS=accept-proxy no-tlsv10 ssl-min-ver TLSv1.2 crt /c.pem", "acceptproxy certificates /c.pem" },
        { "HAPROXY_0_BACKEND_WEIGHT=7", "weight 7" },
        { "HAPROXY_0_BACKEND_WEIGHT=0|HAPROXY_0_PATH=/a|HAPROXY_0_VHOST=a", "weight 1" },
        { "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=127.0.0.1 10.1.2.3/16 fd00::/8", "allowed 127.0.0.1/32 10.1.0.0/16 fd00::/8" },
        { "HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX=1", "" },
        { "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH=/app/|HAPROXY_0_MODE=http", "proxypass /app" },
        { "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH=/app|HAPROXY_0_MODE=http", "revproxy /app" },
        { "HAPROXY_0_HTTP_BACKEND_REDIR=/my/content|HAPROXY_0_MODE=http", "rootredirect /my/content" },
        { "HAPROXY_0_BACKEND_HEAD=\nbackend {backend}\n  balance {balance}\n  mode {mode}\n  timeout server 90s\n  timeout connect 500ms\n  timeout tunnel 1d\n  timeout queue 5\n  retries 5", "server 90000 connect 500 tunnel 86400000 queue 5 retries 5" },
        { "HAPROXY_0_BACKEND_HEAD=  balance leastconn", "balance LeastConnections" },
        { "HAPROXY_0_FRONTEND_HEAD=\\nfrontend {backend}\\n  bind {bindAddr}:{servicePort}{sslCert}{bindOptions}\\n  mode {mode}\\n  timeout client 1h", "" },
        { "HAPROXY_0_FRONTEND_BACKEND_GLUE=  use_backend {backend}", "" },
        { "HAPROXY_0_USERLIST_HEAD=\nuserlist user_{backend}\n  user {user} password {passwd}", "" },
        { "HAPROXY_0_BACKEND_HTTP_OPTIONS=  option forwardfor\n  http-request set-header X-Forwarded-Port %[dst_port]\n  http-request add-header X-Forwarded-Proto https if { ssl_fc }\n  http-request set-header X-Zone \"a b\"\n  http-response del-header Server", "request Set X-Zone a b response Remove Server " },
        { "HAPROXY_0_BACKEND_HSTS_OPTIONS=  rspadd  Strict-Transport-Security:\\ max-age=15768000|HAPROXY_0_MODE=http", "hsts" },
        { "HAPROXY_0_BACKEND_STICKY_OPTIONS=  cookie mesosphere_server_id insert indirect nocache|HAPROXY_0_MODE=http", "sticky" },
        { "HAPROXY_0_BACKEND_SERVER_OPTIONS=  server {serverName} {host_ipv4}:{port}{cookieOptions} check inter 3s fall 2 maxconn 50 weight 10", "maxconn 50 serverweight 10" },
        { "HAPROXY_0_BACKEND_SERVER_OPTIONS=send-proxy-v2", "sendproxy 2" },
        { "HAPROXY_0_BACKEND_SERVER_OPTIONS=ssl verify none|HAPROXY_0_MODE=http", "protocol Https unverified" },
        { "HAPROXY_0_BACKEND_SERVER_OPTIONS=proto h2|HAPROXY_0_MODE=http", "protocol Http2" },
        { "PACER_LB_0_BACKEND_PROTOCOL=h2c|HAPROXY_0_MODE=http", "protocol Http2" },
        { "PACER_LB_0_BACKEND_PROTOCOL=https-insecure|HAPROXY_0_MODE=http", "protocol Https unverified" },
        { "PACER_LB_0_MAXCONN=9", "maxconn 9" },
        { "PACER_LB_0_TIMEOUT=2m", "server 120000" },
        { "PACER_LB_0_ACCEPT_PROXY=true", "acceptproxy" },
        { "PACER_LB_0_SEND_PROXY=v1", "sendproxy 1" },
        { "PACER_LB_WEIGHT=5", "serverweight 5" },
        { "PACER_LB_MAINTENANCE=true", "maintenance" },
        { "HAPROXY_0_VHOST=", "" },
        { "HAPROXY_1_VHOST=other.test", "" },
    };

    [Theory]
    [MemberData(nameof(Understood))]
    public void Label_Understood_SetsWhatItSays(string labels, string expected)
    {
        var text = Describe(Clean(labels.Split('|')));
        Assert.True(expected.Length == 0 || text.Contains(expected, StringComparison.Ordinal), text);
    }

    public static TheoryData<string, string> Warned
    {
        get
        {
            var rows = new TheoryData<string, string>
            {
                { "HAPROXY_0_VHOST=not a host", "HAPROXY_0_VHOST: 'not a host' is not valid and has no effect." },
                { "HAPROXY_0_PATH=/api", "HAPROXY_0_PATH: has no effect without a VHOST." },
                { "HAPROXY_0_PATH=api|HAPROXY_0_VHOST=a", "HAPROXY_0_PATH: 'api' is not valid" },
                { "HAPROXY_0_PATH=-m /api|HAPROXY_0_VHOST=a", "HAPROXY_0_PATH: '-m' is not valid" },
                { "HAPROXY_0_PORT=0", "HAPROXY_0_PORT: '0' is not valid" },
                { "HAPROXY_0_PORT=99999", "HAPROXY_0_PORT: '99999' is not valid" },
                { "HAPROXY_0_MODE=udp", "HAPROXY_0_MODE: 'udp' is not valid and has no effect. Give http or tcp." },
                { "HAPROXY_0_BALANCE=fair", "HAPROXY_0_BALANCE: 'fair' is not valid" },
                { "HAPROXY_0_BALANCE=uri", "HAPROXY_0_BALANCE: needs MODE http; roundrobin is used." },
                { "HAPROXY_0_STICKY=true", "HAPROXY_0_STICKY: needs MODE http" },
                { "HAPROXY_0_USE_HSTS=true", "HAPROXY_0_USE_HSTS: needs MODE http" },
                { "HAPROXY_0_REDIRECT_TO_HTTPS=true", "HAPROXY_0_REDIRECT_TO_HTTPS: has no effect without a VHOST." },
                { "HAPROXY_0_AUTH=Zone:bob:x", "HAPROXY_0_AUTH: needs MODE http; the port is not published." },
                { "HAPROXY_0_AUTH=Zone|HAPROXY_0_MODE=http", "HAPROXY_0_AUTH: is not of the form REALM:USER:HASH; nobody is let in." },
                { "HAPROXY_0_BIND_ADDR=eth0", "HAPROXY_0_BIND_ADDR: 'eth0' is not valid" },
                { "HAPROXY_0_BIND_OPTIONS=ciphers ECDHE", "HAPROXY_0_BIND_OPTIONS: 'ciphers ECDHE' can't be translated." },
                { "HAPROXY_0_BACKEND_WEIGHT=heavy", "HAPROXY_0_BACKEND_WEIGHT: 'heavy' is not valid" },
                { "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=10.0.0.0/99", "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL: '10.0.0.0/99' is not valid" },
                { "HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX=7", "HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX: '7' is not valid and has no effect. Give the index of a port, 0 to 1." },
                { "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH=/a", "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH: needs MODE http" },
                { "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH=a|HAPROXY_0_MODE=http", "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH: 'a' is not valid" },
                { "HAPROXY_0_HTTP_BACKEND_REDIR=a b|HAPROXY_0_MODE=http", "HAPROXY_0_HTTP_BACKEND_REDIR: 'a b' is not valid" },
                { "HAPROXY_0_MODE=tcp|HAPROXY_0_VHOST=a", "HAPROXY_0_MODE: tcp contradicts VHOST" },
                { "HAPROXY_0_BACKEND_HEAD=  acl x path /y\n  timeout server 5s", "HAPROXY_0_BACKEND_HEAD: 'acl x path /y' has no effect: it is raw text for HAProxy and can't be translated." },
                { "HAPROXY_0_FRONTEND_HEAD=  tcp-request content accept", "HAPROXY_0_FRONTEND_HEAD: 'tcp-request content accept'" },
                { "HAPROXY_0_FRONTEND_BACKEND_GLUE=  use_backend x if y", "HAPROXY_0_FRONTEND_BACKEND_GLUE: 'use_backend x if y'" },
                { "HAPROXY_0_USERLIST_HEAD=  group admins", "HAPROXY_0_USERLIST_HEAD: 'group admins'" },
                { "HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request set-header X %[src]", "HAPROXY_0_BACKEND_HTTP_OPTIONS: 'http-request set-header X %[src]'" },
                { "HAPROXY_0_BACKEND_HSTS_OPTIONS=rspadd X:\\ y", "HAPROXY_0_BACKEND_HSTS_OPTIONS: 'rspadd X:\\ y'" },
                { "HAPROXY_0_BACKEND_STICKY_OPTIONS=  stick-table type ip size 1m", "HAPROXY_0_BACKEND_STICKY_OPTIONS: 'stick-table type ip size 1m'" },
                { "HAPROXY_0_BACKEND_SERVER_OPTIONS=check slowstart 5s", "HAPROXY_0_BACKEND_SERVER_OPTIONS: 'slowstart 5s' can't be translated." },
                { "HAPROXY_0_BACKEND_SERVER_OPTIONS=send-proxy|HAPROXY_0_MODE=http", "Port 0: sending the PROXY protocol needs MODE tcp" },
                { "HAPROXY_0_NEW_THING=1", "HAPROXY_0_NEW_THING: is not known." },
                { "PACER_LB_0_BACKEND_PROTOCOL=spdy", "PACER_LB_0_BACKEND_PROTOCOL: 'spdy' is not valid" },
                { "PACER_LB_0_MAXCONN=many", "PACER_LB_0_MAXCONN: 'many' is not valid" },
                { "PACER_LB_0_TIMEOUT=soon", "PACER_LB_0_TIMEOUT: 'soon' is not valid" },
                { "PACER_LB_0_SEND_PROXY=v3", "PACER_LB_0_SEND_PROXY: 'v3' is not valid" },
                { "PACER_LB_WEIGHT=all", "PACER_LB_WEIGHT: 'all' is not valid" },
            };
            foreach (var name in HaproxyTemplates.Rules.Concat(HaproxyTemplates.Global).Concat(HaproxyTemplates.Health))
            {
                rows.Add($"HAPROXY_0_{name}=acl x", $"HAPROXY_0_{name}: has no effect");
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Warned))]
    public void Label_WithoutEffect_IsNamedInAWarning(string labels, string expected)
    {
        var (_, warnings) = Read(labels.Split('|'));
        var warning = Assert.Single(warnings);
        Assert.StartsWith(expected, warning.Text, StringComparison.Ordinal);
        Assert.Equal("/web", warning.ServiceId);
    }

    [Theory]
    [InlineData("BACKEND_HEAD", "acl internal src 10.0.0.0/8 # ours\\nhttp-request deny unless internal", "backend: acl internal src 10.0.0.0/8|http-request deny unless internal")]
    [InlineData("BACKEND_HTTP_OPTIONS", "http-request set-header X-A \"%[src] b\"", "backend: http-request set-header X-A %[src] b")]
    [InlineData("FRONTEND_HEAD", "  http-request replace-path ^/(a\\.b)\\ c(.*) '/\\1'", "frontend: http-request replace-path ^/(a\\.b) c(.*) /\\1")]
    [InlineData("BACKEND_SERVER_OPTIONS", "server {serverName} {host_ipv4}:{port} check slowstart 5s backup maxconn 3", "server: slowstart 5s backup")]
    [InlineData("BIND_OPTIONS", "ciphers ECDHE accept-proxy verify required ca-file /etc/ca.pem", "bind: ciphers ECDHE verify required ca-file /etc/ca.pem")]
    public void RawText_HaproxyIsTheDataPath_IsKeptWithoutAWarning(string label, string text, string expected)
    {
        var (settings, warnings) = ReadAll(false, true, true, [$"HAPROXY_0_{label}={text}"]);
        Assert.Empty(warnings);
        var raw = settings.Raw;
        Assert.Equal(expected, string.Concat(
            raw.Frontend.Count > 0 ? "frontend: " + string.Join('|', raw.Frontend.Select(line => string.Join(' ', line))) : "",
            raw.Backend.Count > 0 ? "backend: " + string.Join('|', raw.Backend.Select(line => string.Join(' ', line))) : "",
            raw.Server.Count > 0 ? "server: " + string.Join(' ', raw.Server) : "", raw.Bind.Count > 0 ? "bind: " + string.Join(' ', raw.Bind) : ""));
        var (_, embedded) = Read($"HAPROXY_0_{label}={text}");
        Assert.All(embedded, warning => Assert.EndsWith("Balancers with --lb-engine haproxy take it.", warning.Text, StringComparison.Ordinal));
        Assert.NotEmpty(embedded);
    }

    [Theory]
    [InlineData("program x\\n  command /bin/sh")]
    [InlineData("global\\n  user root")]
    [InlineData("server s1 10.0.0.1:80")]
    [InlineData("use_backend other")]
    [InlineData("errorfile 503 /etc/shadow")]
    [InlineData("http-request return status 200 content-type text/plain file /etc/shadow")]
    [InlineData("http-request return status 200 content-type text/plain lf-file /etc/shadow")]
    [InlineData("acl x src -f /etc/shadow")]
    [InlineData("http-request set-header X %[src,map_str(/etc/shadow,x)]")]
    [InlineData("http-request set-header X %[env(HOME)]")]
    [InlineData("http-request use-service lua.shell")]
    [InlineData("option external-check")]
    [InlineData("acl x path /a\\x00")]
    [InlineData(".if 1")]
    public void RawText_ThatReachesBeyondItsService_IsNeverTaken(string text)
    {
        var (settings, warnings) = ReadAll(false, true, true, [$"HAPROXY_0_BACKEND_HEAD={text}"]);
        Assert.Empty(settings.Raw.Backend);
        Assert.All(warnings, warning => Assert.EndsWith("it is raw text for HAProxy and can't be translated.", warning.Text, StringComparison.Ordinal));
        Assert.NotEmpty(warnings);
    }

    [Theory]
    [InlineData("HAPROXY_0_AUTH=Zone|HAPROXY_0_MODE=http")]
    [InlineData("HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=nonsense")]
    [InlineData("HAPROXY_0_VHOST=a.test|HAPROXY_0_PATH=admin")]
    public void Label_ThatCloses_StaysClosedWhenItIsWrong(string labels)
    {
        var (settings, _) = Read(labels.Split('|'));
        Assert.True(settings.Auth is { PasswordHash: "!" } || settings.AllowedNetworks is { Count: 0 } || settings is { Mode: ServiceMode.Http, Hosts.Count: 0, Auth: null });
    }

    [Fact]
    public void HttpHealthCheck_NoMode_MeansHttp()
    {
        Assert.Equal(ServiceMode.Http, ReadStrict(false, true).Settings.Mode);
        Assert.Equal(ServiceMode.Tcp, ReadStrict(false, true, "HAPROXY_0_MODE=tcp").Settings.Mode);
    }

    [Fact]
    public void Strict_OnlyEnabledPorts_ArePublished()
    {
        Assert.False(ReadStrict(true, false).Settings.Enabled);
        Assert.True(ReadStrict(true, false, "HAPROXY_0_ENABLED=true").Settings.Enabled);
    }

    [Fact]
    public void AppLabels_AllKnown_GiveNoWarning()
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004], "HAPROXY_GROUP=external", "HAPROXY_DEPLOYMENT_GROUP=web", "HAPROXY_DEPLOYMENT_ALT_PORT=10005", "HAPROXY_DEPLOYMENT_COLOUR=blue",
            "HAPROXY_DEPLOYMENT_STARTED_AT=2026-01-01T00:00:00Z", "HAPROXY_DEPLOYMENT_TARGET_INSTANCES=2", "HAPROXY_DEPLOYMENT_NEW_INSTANCES=0", "HAPROXY_APP_ID=web", "PACER_LB_SHARE=10");
        Assert.Empty(cluster.Table().Warnings);
    }

    [Theory]
    [InlineData("HAPROXY_1_VHOST=a.test", "HAPROXY_1_VHOST has no effect: /web has one port, with index 0.")]
    [InlineData("HAPROXY_VHOST=a.test", "HAPROXY_VHOST is not known; labels of a port have its index, as in HAPROXY_0_….")]
    [InlineData("PACER_LB_0_SPEED=1", "PACER_LB_0_SPEED is not known.")]
    [InlineData("HAPROXY_DEPLOYMENT_TARGET_INSTANCES=two", null)]
    public void Label_OfNoPort_IsNamedInAWarning(string label, string? expected)
    {
        var cluster = new Balanced();
        cluster.App("/web", [10004], label);
        var warnings = cluster.Table().Warnings;
        Assert.Equal(expected, warnings.Length == 0 ? null : Assert.Single(warnings).Text);
    }

    [Fact]
    public void AnyLabels_NeverFail()
    {
        var name = Gen.OneOf(
            Gen.OneOf(Consts("VHOST", "PATH", "PORT", "MODE", "BALANCE", "AUTH", "BIND_ADDR", "BIND_OPTIONS", "BACKEND_HEAD", "BACKEND_SERVER_OPTIONS", "BACKEND_WEIGHT", "SSL_CERT",
                "BACKEND_NETWORK_ALLOWED_ACL", "HTTP_BACKEND_REDIR", "HTTP_BACKEND_PROXYPASS_PATH", "BACKEND_HEALTHCHECK_PORT_INDEX", "GROUP", "BACKEND_HTTP_OPTIONS")),
            Gen.String);
        var value = Gen.OneOf(Gen.String, Gen.OneOf(Consts("http", "tcp", "a.test", "/x", "hdr()", "hdr(", "url_param", "::1/0", "%[x]", "\\", "\"", "timeout server", "server", "crt", "-i", "99999999999999999999s")));
        Gen.Select(Gen.Int[-1, 3], name, value).Array[0, 12].Sample(labels =>
        {
            var cluster = new Balanced();
            cluster.App("/web", [10004, 10005], [.. labels.Select(label => $"HAPROXY_{label.Item1}_{label.Item2.Replace('=', '_')}={label.Item3}").DistinctBy(label => label.Split('=')[0])]);
            var table = cluster.Table(new RouteOptions { Groups = ["*"] });
            Assert.All(table.Warnings, warning => Assert.EndsWith(".", warning.Text, StringComparison.Ordinal));
            table.Hosts.Find("a.test:80", "/x");
        }, iter: 2000);
    }

    private static IGen<string>[] Consts(params string[] values) => [.. values.Select(value => (IGen<string>)Gen.Const(value))];

    private static string Describe(PortSettings s)
    {
        var d = new PortSettings();
        List<string> parts =
        [
            s.Groups.Count > 0 ? $"groups {string.Join(' ', s.Groups)}" : "",
            s.Hosts.Count > 0 ? $"hosts {string.Join(' ', s.Hosts)}" : "",
            s.Paths.Count > 0 ? $"paths {string.Join(' ', s.Paths)}" : "",
            s.PathsIgnoreCase ? "ignorecase" : "",
            $"weight {s.Weight}", $"port {s.ListenPort}", $"mode {s.Mode}", $"balance {s.Balance.Algorithm} {s.Balance.Parameter}".TrimEnd(),
            s.Sticky ? "sticky" : "", s.Enabled ? "" : "disabled", s.RedirectToHttps ? "redirect" : "", s.Hsts ? "hsts" : "",
            s.AcceptProxy ? "acceptproxy" : "",
            s.Certificates.Count > 0 ? $"certificates {string.Join(' ', s.Certificates)}" : "",
            s.Auth is { } auth ? $"auth {auth.Realm} {auth.User} {auth.PasswordHash}" : "",
            s.BindAddress is { } bind ? $"bind {bind}" : "",
            s.AllowedNetworks is { } networks ? $"allowed {string.Join(' ', networks.Select(network => network.ToString()))}" : "",
            s.ProxyPassPath is { } pass ? $"proxypass {pass}" : "", s.ReverseProxyPath is { } reverse ? $"revproxy {reverse}" : "", s.RootRedirect is { } root ? $"rootredirect {root}" : "",
            s.ServerTimeout != d.ServerTimeout ? $"server {s.ServerTimeout.TotalMilliseconds}" : "", s.ConnectTimeout != d.ConnectTimeout ? $"connect {s.ConnectTimeout.TotalMilliseconds}" : "",
            s.TunnelTimeout != d.TunnelTimeout ? $"tunnel {s.TunnelTimeout.TotalMilliseconds}" : "", s.QueueTimeout != d.QueueTimeout ? $"queue {s.QueueTimeout.TotalMilliseconds}" : "",
            s.Retries != d.Retries ? $"retries {s.Retries}" : "",
            .. s.RequestHeaders.Select(rule => $"request {rule.Edit} {rule.Name} {rule.Value}"), .. s.ResponseHeaders.Select(rule => $"response {rule.Edit} {rule.Name} {rule.Value}"),
            s.MaxConnections > 0 ? $"maxconn {s.MaxConnections}" : "", s.ServerWeight != 1 ? $"serverweight {s.ServerWeight}" : "", s.SendProxy > 0 ? $"sendproxy {s.SendProxy}" : "",
            s.ServerProtocol != ServerProtocol.Http ? $"protocol {s.ServerProtocol}" : "", s.VerifyServers ? "" : "unverified", s.Maintenance ? "maintenance" : "",
        ];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }
}
