using System.Collections.Immutable;
using System.Net;
using Pacer.Edge.Balancing.Haproxy;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>The configuration that a routing table becomes, and that HAProxy takes it.</summary>
public sealed class HaproxyTextTests
{
    private static readonly HaproxySetup Setup = new()
    {
        Directory = "/d",
        Http = IPEndPoint.Parse("0.0.0.0:80"),
        Https = IPEndPoint.Parse("0.0.0.0:443"),
        AppIds = IPEndPoint.Parse("127.0.0.1:9091"),
        HasIpv6 = true,
        ErrorPage = "<p>none</p>\n",
    };

    private static string Section(HaproxyConfiguration configuration, string head)
    {
        var lines = configuration.Text.Split('\n');
        var start = Array.IndexOf(lines, head);
        Assert.True(start >= 0, $"no '{head}' in\n{configuration.Text}");
        return string.Join('\n', lines.Skip(start + 1).TakeWhile(line => line.StartsWith(' ')).Select(line => line.Trim()));
    }

    [Fact]
    public void Render_AppWithAHost_IsTheseSections()
    {
        var cluster = new Balanced();
        cluster.App("/shop/web", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=shop.test");
        var configuration = HaproxyRenderer.Render(cluster.Table(), Setup);
        var map = configuration.Files.Single(file => file.Key.StartsWith("hosts-", StringComparison.Ordinal));
        Assert.Equal("shop.test shop_web_10004\n", map.Value);
        var list = configuration.Files.Keys.Single(file => file.StartsWith("certificates-", StringComparison.Ordinal));
        Assert.Equal($"""
            bind 0.0.0.0:80
            bind 0.0.0.0:443 ssl crt-list /d/{list} alpn h2,http/1.1
            http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)
            use_backend %[var(txn.host),map_str(/d/{map.Key})]
            """, Section(configuration, "frontend pacer_web"));
        Assert.Equal("""
            mode http
            bind :::10004 v4v6
            http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)
            default_backend shop_web_10004
            """, Section(configuration, "frontend shop_web_10004"));
        Assert.Equal("""
            mode http
            balance roundrobin
            timeout connect 3000ms
            timeout server 30000ms
            timeout tunnel 3600000ms
            timeout queue 30000ms
            retries 3
            option redispatch 1
            http-request set-timeout server 3600000ms if { req.hdr(accept) -m sub -i text/event-stream } || { req.hdr(content-type) -m beg -i application/grpc }
            option forwardfor
            http-request set-header X-Forwarded-Port %[dst_port]
            http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
            http-request set-header X-Forwarded-Host %[req.hdr(host)]
            server s1 10.0.1.1:31001 weight 1
            server s2 10.0.1.2:31011 weight 1
            server s3 127.0.0.1:1 weight 1 disabled
            server s4 127.0.0.1:1 weight 1 disabled
            """, Section(configuration, "backend shop_web_10004"));
        Assert.Contains("/shop/web shop_web_10004\n", configuration.Files.Single(file => file.Key.StartsWith("apps-", StringComparison.Ordinal)).Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HAPROXY_0_AUTH=The Zone:bob:$6$salt$hash", "http-request auth realm The\\x20Zone if !{ http_auth(w_10004) }")]
    [InlineData("HAPROXY_0_REDIRECT_TO_HTTPS=true", "http-request redirect code 301 location https://%[var(txn.host)]%[pathq] if { fe_name -m str pacer_web } !{ ssl_fc }")]
    [InlineData("HAPROXY_0_USE_HSTS=true", "http-response set-header Strict-Transport-Security max-age=15768000")]
    [InlineData("HAPROXY_0_STICKY=true", "cookie mesosphere_server_id insert indirect nocache")]
    [InlineData("HAPROXY_0_HTTP_BACKEND_REDIR=/my%20content", "http-request redirect code 301 location /my%%20content if { path / }")]
    [InlineData("HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH=/test", "http-request set-path %[path,bytes(5)] if { path -m beg -- /test/ }")]
    [InlineData("HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH=/test", "http-response replace-header Location ^(?:https?://[^/]+)?(/.*)$ /test\\\\1")]
    [InlineData("HAPROXY_0_BALANCE=leastconn", "balance leastconn")]
    [InlineData("HAPROXY_0_BALANCE=hdr(X-User)", "balance hdr(X-User)")]
    [InlineData("HAPROXY_0_BACKEND_SERVER_OPTIONS=server {serverName} {host_ipv4}:{port} maxconn 7", "default-server maxconn 7")]
    [InlineData("PACER_LB_0_BACKEND_PROTOCOL=h2c", "default-server proto h2")]
    [InlineData("PACER_LB_0_BACKEND_PROTOCOL=https-insecure", "default-server ssl verify none")]
    [InlineData("PACER_LB_0_TIMEOUT=5s", "timeout server 5000ms")]
    [InlineData("HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request set-header X-Zone 100 ", null)]
    [InlineData("HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request set-header X-Zone \"a b # c\"", "http-request set-header X-Zone a\\x20b\\x20\\x23\\x20c")]
    [InlineData("HAPROXY_0_BACKEND_HEAD=acl {cleanedUpHostname}_x path /{backend} # why\\nhttp-request deny if {{ src 10.0.0.0/8 }}", "acl a_test_x path /w_10004")]
    [InlineData("HAPROXY_0_BACKEND_HEAD=acl x path /a\\nhttp-request deny if {{ src 10.0.0.0/8 }}", "http-request deny if { src 10.0.0.0/8 }")]
    [InlineData("HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request replace-path \"^/a b(.*)\" /\\1", "http-request replace-path ^/a\\x20b(.*) /\\x5c1")]
    [InlineData("HAPROXY_0_BACKEND_SERVER_OPTIONS=server {serverName} {host}:{port} slowstart 5s maxconn 7", "default-server maxconn 7 slowstart 5s")]
    public void Render_Label_BecomesItsLine(string label, string? line)
    {
        var cluster = new Balanced();
        cluster.App("/w", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test", label);
        var text = Section(HaproxyRenderer.Render(cluster.Table(), Setup), "backend w_10004");
        Assert.Contains(line ?? "http-request set-header X-Zone 100", text.Split('\n'));
    }

    [Fact]
    public void Render_RawTextOfFrontends_IsOnTheServicePortAlone()
    {
        var cluster = new Balanced();
        cluster.App("/w", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test", "HAPROXY_0_FRONTEND_HEAD=maxconn 5", "HAPROXY_0_BIND_OPTIONS=ciphers ECDHE+AESGCM");
        var configuration = HaproxyRenderer.Render(cluster.Table(new RouteOptions { Haproxy = true }), Setup);
        Assert.Contains("bind :::10004 v4v6 ciphers ECDHE+AESGCM", Section(configuration, "frontend w_10004").Split('\n'));
        Assert.Contains("maxconn 5", Section(configuration, "frontend w_10004").Split('\n'));
        Assert.DoesNotContain("maxconn", Section(configuration, "frontend pacer_web"), StringComparison.Ordinal);
    }

    [Fact]
    public void Render_PathsAndWildcards_AreAskedInTheRoutersOrder()
    {
        var cluster = new Balanced();
        cluster.App("/all", [10001], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test,*.test,*");
        cluster.App("/api", [10002], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test", "HAPROXY_0_PATH=/api");
        cluster.App("/deep", [10003], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test", "HAPROXY_0_PATH=-i /api/deep/");
        var rules = Section(HaproxyRenderer.Render(cluster.Table(), Setup), "frontend pacer_web").Split('\n').Where(line => line.StartsWith("use_backend", StringComparison.Ordinal)).ToList();
        Assert.Equal(
        [
            "use_backend deep_10003 if { var(txn.host) -m str -- a.test } { var(txn.path) -m beg -i -- /api/deep/ }",
            "use_backend api_10002 if { var(txn.host) -m str -- a.test } { var(txn.path) -m str -- /api }",
            "use_backend api_10002 if { var(txn.host) -m str -- a.test } { var(txn.path) -m beg -- /api/ }",
        ], rules[..3]);
        Assert.Contains("map_str(", rules[3], StringComparison.Ordinal);
        Assert.Equal(["use_backend all_10001 if { var(txn.host) -m end -- .test }", "use_backend all_10001 if TRUE"], rules[4..]);
    }

    [Fact]
    public void Render_ModeTcp_HasItsLines()
    {
        var cluster = new Balanced();
        cluster.App("/db", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_MODE=tcp", "PACER_LB_0_SEND_PROXY=v2", "HAPROXY_0_BALANCE=source", "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=10.0.0.0/8 ::1");
        var configuration = HaproxyRenderer.Render(cluster.Table(), Setup);
        var tcp = Section(configuration, "backend db_10004").Split('\n');
        Assert.Contains("mode tcp", tcp);
        Assert.Contains("balance source", tcp);
        Assert.Contains("default-server send-proxy-v2", tcp);
        Assert.Contains("acl pacer_allowed src 10.0.0.0/8 ::1/128", tcp);
        Assert.Contains("tcp-request content reject unless pacer_allowed", tcp);
    }

    [Fact]
    public void Slots_ServersComeDrainAndGo_AreTheseCommands()
    {
        var cluster = new Balanced();
        cluster.App("/w", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test");
        var first = HaproxyRenderer.Render(cluster.Table(), Setup);
        var third = cluster.Task("/w", 1);
        var backend = Assert.Single(cluster.Table().Backends);
        var slots = Assert.Single(first.Proxies).Slots;
        var three = ServerSlots.Fill(backend, slots, false)!.Value;
        Assert.Equal(["set server p/s3 addr 10.0.1.1 port 31021", "set server p/s3 state ready"], ServerSlots.Commands("p", slots, three));
        third.Draining = true;
        var drained = ServerSlots.Fill(cluster.Table().Backends[0], three, false)!.Value;
        Assert.Equal(["set server p/s3 state maint"], ServerSlots.Commands("p", three, drained));
        Assert.Equal(first.Skeleton, HaproxyRenderer.Render(cluster.Table(), Setup, new Dictionary<string, ImmutableArray<ServerSlot>> { ["w_10004"] = drained }).Skeleton);
        cluster.Task("/w", 1);
        cluster.Task("/w", 2);
        Assert.Null(ServerSlots.Fill(cluster.Table().Backends[0], drained, false)); // five do not fit into four
        Assert.Equal(8, ServerSlots.Create(cluster.Table().Backends[0], drained, false).Length);
    }

    [Fact]
    public void Slots_TooFewForNewServers_TheOthersChangeAtOnce()
    {
        var cluster = new Balanced();
        cluster.Bare("/w", [10004], "HAPROXY_GROUP=external");
        var old = cluster.Task("/w", 1);
        cluster.Task("/w", 1);
        var slots = ServerSlots.Create(cluster.Table().Backends[0], default, false);
        old.Draining = true;
        for (var i = 0; i < 3; i++)
        {
            cluster.Task("/w", 2);
        }
        var adjusted = ServerSlots.Adjust(cluster.Table().Backends[0], slots, false);
        Assert.Equal([false, true, true, true], adjusted.Select(slot => slot.Ready)); // the draining one gives way though a fifth has no place yet
    }

    [Fact]
    public void Slots_OnlyNewServersAreUpAndNoneFits_TheOldOnesServeOn()
    {
        var cluster = new Balanced();
        cluster.Bare("/w", [10004], "HAPROXY_GROUP=external", "HAPROXY_0_VHOST=a.test", "HAPROXY_0_STICKY=true");
        var old = cluster.Task("/w", 1);
        var slots = ServerSlots.Create(cluster.Table().Backends[0], default, true);
        old.Draining = true;
        cluster.Task("/w", 2);
        Assert.Equal(slots, ServerSlots.Adjust(cluster.Table().Backends[0], slots, true));
    }

    [Fact]
    public void Slots_NobodyIsUp_TheLastOnesServe()
    {
        var cluster = new Balanced();
        cluster.Bare("/w", [10004], "HAPROXY_GROUP=external");
        cluster.Task("/w", 1).Draining = true;
        cluster.Task("/w", 2).State = "TASK_UNREACHABLE";
        var slots = ServerSlots.Create(cluster.Table().Backends[0], default, false);
        Assert.Equal([false, true, false, false], slots.Select(slot => slot.Ready));
    }

    [Fact]
    public async Task Check_EverythingThatLabelsCanSay_IsTakenByHaproxy()
    {
        Assert.SkipWhen(HaproxyProcess.Program is null, "needs haproxy");
        var directory = Directory.CreateTempSubdirectory("pacer-haproxy-").FullName;
        try
        {
            var cluster = new Balanced();
            foreach (var (label, i) in All.Select((label, i) => (label, i)))
            {
                cluster.App($"/app{i}", [12000 + i], ["HAPROXY_GROUP=external", $"HAPROXY_0_VHOST=h{i}.test,*.w{i}.test", .. label.Split('|')]);
                cluster.App($"/tcp{i}", [13000 + i], ["HAPROXY_GROUP=external", "HAPROXY_0_MODE=tcp", .. label.Split('|')]);
            }
            var configuration = HaproxyRenderer.Render(cluster.Table(), Setup with { Directory = directory, AcceptProxy = true, Logs = true, Certificates = new HaproxyCertificates(Pem(), [Pem()], _ => [Pem()], _ => false) });
            foreach (var (name, text) in configuration.Files)
            {
                await File.WriteAllTextAsync(Path.Combine(directory, name), text);
            }
            var file = Path.Combine(directory, "haproxy.cfg");
            await File.WriteAllTextAsync(file, configuration.Text);
            Assert.Null(await new HaproxyProcess(directory).CheckAsync(file));
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    private static readonly string[] All =
    [
        "HAPROXY_0_AUTH=wrong", "HAPROXY_0_AUTH=:bob:$1$abc$def",
        "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=" + string.Join(' ', Enumerable.Range(1, 100).Select(i => $"10.{i}.0.0/16")),
        "HAPROXY_0_AUTH=A \"quoted\" zone:bob:$1$abc$def|HAPROXY_0_PATH=/a /b%20c /d#e /f\"g", "HAPROXY_0_REDIRECT_TO_HTTPS=true|HAPROXY_0_USE_HSTS=true|HAPROXY_0_PATH=-i /x/",
        "HAPROXY_0_SSL_CERT=/some/file.pem|HAPROXY_0_STICKY=true", "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=10.0.0.0/8 fd00::/8", "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=nonsense",
        "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH=/t t|HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH=/back\\slash|HAPROXY_0_HTTP_BACKEND_REDIR=/100%", "PACER_LB_MAINTENANCE=true",
        "HAPROXY_0_BALANCE=url_param user", "HAPROXY_0_BALANCE=hdr(X-User)", "HAPROXY_0_BALANCE=source", "HAPROXY_0_BALANCE=random", "HAPROXY_0_BALANCE=first", "HAPROXY_0_BALANCE=uri",
        "PACER_LB_0_BACKEND_PROTOCOL=https", "PACER_LB_0_BACKEND_PROTOCOL=https-insecure", "PACER_LB_0_BACKEND_PROTOCOL=h2c|PACER_LB_0_MAXCONN=5", "PACER_LB_0_ACCEPT_PROXY=true", "PACER_LB_0_SEND_PROXY=v1",
        "HAPROXY_0_BACKEND_HEAD=acl x src 10.0.0.0/8\\nhttp-request deny if x\\nhttp-request set-header X-S \"%[ssl_fc] y\"\\ncompression algo gzip|HAPROXY_0_FRONTEND_HEAD=rate-limit sessions 100\\nacl y path_beg /y|HAPROXY_0_BACKEND_SERVER_OPTIONS=slowstart 5s backup",
        "HAPROXY_0_BIND_OPTIONS=ciphers ECDHE+AESGCM ssl-max-ver TLSv1.3|HAPROXY_0_SSL_CERT=/some/file.pem",
        "HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request add-header X-A \"it's # ${HOME}\"\nhttp-response del-header Server\ntimeout connect 1s\nretries 0",
    ];

    internal static string Pem()
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=a.test", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }
}
