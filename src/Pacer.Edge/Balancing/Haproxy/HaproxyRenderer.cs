using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Writes the configuration with which HAProxy does what a routing table says. Pure: the same input gives the same text.</summary>
internal sealed class HaproxyRenderer
{
    /// <summary>The frontend of virtual hosts.</summary>
    public const string Web = "pacer_web";
    public const string AppIds = "pacer_appid";

    private static readonly TimeSpan LongestStop = TimeSpan.FromHours(1);

    private readonly HaproxySetup _setup;
    private readonly RoutingTable _table;
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _skeleton = new();
    private readonly ImmutableSortedDictionary<string, string>.Builder _files = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
    private readonly Dictionary<Backend, string> _names = new(ReferenceEqualityComparer.Instance);
    private readonly ImmutableHashSet<string>.Builder _binds = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);

    private HaproxyRenderer(RoutingTable table, HaproxySetup setup)
    {
        _table = table;
        _setup = setup;
    }

    /// <param name="running">The slots of proxies that run now, by name.</param>
    public static HaproxyConfiguration Render(RoutingTable table, HaproxySetup setup, IReadOnlyDictionary<string, ImmutableArray<ServerSlot>>? running = null) =>
        new HaproxyRenderer(table, setup).Render(running ?? ImmutableDictionary<string, ImmutableArray<ServerSlot>>.Empty);

    /// <summary>Where a service listens, in HAProxy's words.</summary>
    public static string BindOf(IPAddress? address, int port, bool hasIpv6) => address is null
        ? FormattableString.Invariant($"{(hasIpv6 ? "::" : "*")}:{port}{(hasIpv6 ? " v4v6" : "")}") : new IPEndPoint(address, port).ToString();

    public static string BindOf(Backend backend, HaproxySetup setup) => BindOf(backend.Settings.BindAddress ?? setup.BindAddress, backend.Settings.ListenPort, setup.HasIpv6);

    private HaproxyConfiguration Render(IReadOnlyDictionary<string, ImmutableArray<ServerSlot>> running)
    {
        var proxies = Proxies(running);
        WriteGlobal();
        WriteUsers(proxies);
        WriteWeb();
        WriteAppIds();
        WriteServicePorts();
        foreach (var proxy in proxies)
        {
            HaproxyBackend.Write(proxy, _setup, Line, page => File("page", ".html", page));
            WriteServers(proxy);
        }
        return new HaproxyConfiguration(_text.ToString(), _skeleton.ToString(), proxies, _files.ToImmutable(), _binds.ToImmutable());
    }

    private ImmutableArray<HaproxyProxy> Proxies(IReadOnlyDictionary<string, ImmutableArray<ServerSlot>> running)
    {
        var proxies = ImmutableArray.CreateBuilder<HaproxyProxy>();
        var taken = new HashSet<string>(StringComparer.Ordinal) { Web, AppIds };
        foreach (var backend in _table.Backends)
        {
            var name = HaproxyWord.Name(backend.Name);
            for (var i = 2; !taken.Add(name); i++)
            {
                name = string.Create(CultureInfo.InvariantCulture, $"{HaproxyWord.Name(backend.Name)}.{i}");
            }
            _names[backend] = name;
            var before = running.TryGetValue(name, out var slots) ? slots : default;
            proxies.Add(new HaproxyProxy(name, backend, ServerSlots.Create(backend, before, backend.Settings.Sticky)));
        }
        return proxies.ToImmutable();
    }

    private void WriteGlobal()
    {
        Line("# Written by Pacer at each change of routes.");
        Line("global");
        Line(string.Create(CultureInfo.InvariantCulture, $"  maxconn {_setup.MaxConnections}"));
        Line("  no strict-limits");
        Line($"  stats socket {HaproxyWord.Of(Path.Combine(_setup.Directory, "admin.sock"))} mode 600 level admin expose-fd listeners");
        // Connections that last keep the process that has them, for so long and through so many reloads.
        Line($"  hard-stop-after {HaproxyWord.Milliseconds(_setup.DrainTimeout > LongestStop ? _setup.DrainTimeout : LongestStop)}");
        Line("  mworker-max-reloads 30");
        Line("  ssl-default-bind-options ssl-min-ver TLSv1.2");
        Line("  ssl-server-verify none");
        Line("  tune.bufsize 33792");
        Line("  tune.maxrewrite 1024");
        if (_setup.User is { } user)
        {
            Line($"  user {user}");
            Line($"  group {user}");
        }
        if (_setup.Logs)
        {
            Line($"  log {HaproxyWord.Of(Path.Combine(_setup.Directory, "log"))} len 8192 format raw local0");
        }
        Line("defaults");
        Line("  mode http");
        Line("  timeout connect 3s");
        Line("  timeout client 1h");
        Line("  timeout server 30s");
        Line("  timeout client-fin 30s");
        Line($"  timeout http-request {HaproxyWord.Milliseconds(_setup.HeadTimeout)}");
        Line("  timeout http-keep-alive 60s");
        Line("  option http-ignore-probes");
        // Many servers end only when their last connection has: those that nobody needs are closed soon.
        Line("  default-server pool-purge-delay 1s");
        Line($"  http-error status 503 content-type \"text/html; charset=utf-8\" file {File("page", ".html", _setup.ErrorPage)} hdr Cache-Control no-cache");
    }

    private void WriteUsers(ImmutableArray<HaproxyProxy> proxies)
    {
        foreach (var proxy in proxies)
        {
            if (proxy.Mode == ServiceMode.Http && proxy.Backend.Settings.Auth is { User.Length: > 0 } auth)
            {
                Line($"userlist {proxy.Name}");
                Line($"  user {HaproxyWord.Of(auth.User)} password {HaproxyWord.Of(auth.PasswordHash)}");
            }
        }
    }

    private void WriteWeb()
    {
        if (_setup.Http is null && _setup.Https is null)
        {
            return;
        }
        var proxy = _setup.AcceptProxy ? " accept-proxy" : "";
        Line($"frontend {Web}");
        if (_setup.Http is { } http)
        {
            Line($"  bind {Shared(http)}{proxy}");
        }
        if (_setup.Https is { } https)
        {
            Line($"  bind {Shared(https)}{proxy} ssl crt-list {SharedCertificates()} alpn h2,http/1.1");
        }
        WriteHttpHead();
        var rules = _table.Hosts.Rules;
        if (rules.Any(rule => rule.Path is not null))
        {
            Line("  http-request set-var(txn.path) path,url_dec");
        }
        var map = new StringBuilder();
        foreach (var host in rules.Where(rule => !rule.Host.StartsWith('*')).GroupBy(rule => rule.Host, StringComparer.Ordinal))
        {
            foreach (var rule in host)
            {
                if (rule.Path is null)
                {
                    map.Append(CultureInfo.InvariantCulture, $"{host.Key} {NameOf(rule.Backend)}\n");
                    break; // no later one is ever asked
                }
                WriteRule(rule, $"{{ var(txn.host) -m str -- {HaproxyWord.Of(rule.Host)} }}");
            }
        }
        if (map.Length > 0)
        {
            Line($"  use_backend %[var(txn.host),map_str({File("hosts", ".map", map.ToString())})]");
        }
        foreach (var rule in rules.Where(rule => rule.Host.StartsWith('*')).OrderByDescending(rule => rule.Host.Length))
        {
            WriteRule(rule, rule.Host == "*" ? "TRUE" : $"{{ var(txn.host) -m end -- {HaproxyWord.Of(rule.Host[1..])} }}");
        }
    }

    private void WriteRule(HostRule rule, string host)
    {
        var use = $"  use_backend {NameOf(rule.Backend)} if {host}";
        if (rule.Path is not { } path)
        {
            Line(use);
            return;
        }
        var any = rule.IgnoreCase ? "-i " : "";
        if (_setup.MarathonLbPaths || path.EndsWith('/'))
        {
            Line($"{use} {{ var(txn.path) -m beg {any}-- {HaproxyWord.Of(path)} }}");
            return;
        }
        Line($"{use} {{ var(txn.path) -m str {any}-- {HaproxyWord.Of(path)} }}");
        Line($"{use} {{ var(txn.path) -m beg {any}-- {HaproxyWord.Of(path + "/")} }}");
    }

    /// <summary>What all frontends of mode http begin with.</summary>
    private void WriteHttpHead()
    {
        Line("  http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)");
        if (_setup.Logs)
        {
            Line("  log global");
            Line("  log-format \"%ci - - [%T] %{+Q}r %ST %B %[var(txn.host)]:%fp %b %si:%sp %Ta\"");
        }
    }

    private void WriteAppIds()
    {
        if (_setup.AppIds is not { } address)
        {
            return;
        }
        Line($"frontend {AppIds}");
        Line($"  bind {Shared(address)}{(_setup.AcceptProxy ? " accept-proxy" : "")}");
        WriteHttpHead();
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (id, backend) in _table.AppIds)
        {
            var key = id.ToLowerInvariant();
            if (!key.Any(char.IsWhiteSpace))
            {
                map[key] = NameOf(backend);
                map.TryAdd(key.TrimStart('/'), NameOf(backend));
            }
        }
        if (map.Count > 0)
        {
            Line($"  use_backend %[req.hdr(X-Marathon-App-Id),lower,map_str({File("apps", ".map", string.Concat(map.Select(entry => $"{entry.Key} {entry.Value}\n")))})]");
        }
    }

    private void WriteServicePorts()
    {
        foreach (var backend in _table.Backends.Where(backend => backend.Listens && _setup.ServicePorts))
        {
            var bind = BindOf(backend, _setup);
            if (_setup.Unavailable.Contains(bind))
            {
                continue;
            }
            _binds.Add(bind);
            var settings = backend.Settings;
            var mode = settings.Mode == ServiceMode.Http ? "http" : "tcp";
            Line($"frontend {_names[backend]}");
            Line($"  mode {mode}");
            var tls = settings.Certificates.Count == 0 ? "" : $" ssl crt-list {Certificates(_setup.Certificates.OfFiles(settings.Certificates))}{(settings.Mode == ServiceMode.Http ? " alpn h2,http/1.1" : "")}";
            Line($"  bind {bind}{(settings.AcceptProxy ? " accept-proxy" : "")}{tls}{string.Concat(settings.Raw.Bind.Select(word => " " + HaproxyWord.Of(word)))}");
            if (settings.Mode == ServiceMode.Http)
            {
                WriteHttpHead();
            }
            foreach (var words in settings.Raw.Frontend)
            {
                Line("  " + RawLine.Of(words, _names[backend], backend));
            }
            Line($"  default_backend {_names[backend]}");
        }
    }

    private void WriteServers(HaproxyProxy proxy)
    {
        foreach (var slot in proxy.Slots)
        {
            var cookie = slot.Cookie is null ? "" : $" cookie {slot.Cookie}";
            _text.Append(CultureInfo.InvariantCulture, $"  server {slot.Name} {slot.Address?.ToString() ?? "127.0.0.1:1"} weight {slot.Weight}{cookie}{(slot.Ready ? "" : " disabled")}\n");
            _skeleton.Append(CultureInfo.InvariantCulture, $"  server {slot.Name}{(proxy.Sticky ? $" {slot.Address}" : "")}{cookie}\n");
        }
    }

    private string NameOf(Backend backend) => _names[backend];

    private string Shared(IPEndPoint point) => point.Address.Equals(IPAddress.IPv6Any) ? BindOf(null, point.Port, true) : point.ToString();

    private string SharedCertificates()
    {
        var lines = new StringBuilder();
        lines.Append(CertificateFile(_setup.Certificates.Standard)).Append('\n');
        foreach (var pem in _setup.Certificates.Named)
        {
            lines.Append(CertificateFile(pem)).Append('\n');
        }
        // A virtual host may bring a certificate of its own.
        foreach (var backend in _table.Backends.Where(backend => backend.Settings.Certificates.Count > 0))
        {
            var hosts = backend.Settings.Hosts.Where(host => host != "*" && !_setup.Certificates.Covers(host)).ToList();
            foreach (var pem in hosts.Count > 0 ? _setup.Certificates.OfFiles(backend.Settings.Certificates) : [])
            {
                lines.Append(CultureInfo.InvariantCulture, $"{CertificateFile(pem)} {string.Join(' ', hosts)}\n");
            }
        }
        return File("certificates", ".list", lines.ToString());
    }

    private string Certificates(IReadOnlyList<string> pems) =>
        File("certificates", ".list", string.Concat((pems.Count > 0 ? pems : [_setup.Certificates.Standard, .. _setup.Certificates.Named]).Select(pem => CertificateFile(pem) + "\n")));

    private string CertificateFile(string pem) => File("certificate", ".pem", pem);

    /// <summary>Keeps the text as a file; returns its path.</summary>
    private string File(string name, string end, string text)
    {
        var file = $"{name}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16]}{end}";
        _files[file] = text;
        return HaproxyWord.Of(Path.Combine(_setup.Directory, file));
    }

    private void Line(string line)
    {
        _text.Append(line).Append('\n');
        _skeleton.Append(line).Append('\n');
    }
}
