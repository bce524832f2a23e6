using System.Globalization;
using System.Text;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Status;

/// <summary>The routes in the words of HAProxy's configuration: for people, and for scripts that look for a server's name in it.</summary>
internal static class HaproxyConfig
{
    public static string Of(RoutingTable table, BalancerView view)
    {
        var text = new StringBuilder(view.Haproxy is { } haproxy
            ? $"# What HAProxy does, with Marathon-LB's names. What it reads itself is {haproxy.Process.ConfigurationFile}.\n"
            : "# What Pacer's balancer does, in HAProxy's words. No HAProxy runs, and nothing reads this.\n");
        foreach (var (kind, address) in view.Addresses)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nfrontend {NameOf(kind)}\n  bind {address}\n  mode http\n");
            if (kind is not (ListenerKind.Http or ListenerKind.Https))
            {
                continue;
            }
            foreach (var rule in table.Hosts.Rules)
            {
                var path = rule.Path is null ? "" : $" {{ path_beg {(rule.IgnoreCase ? "-i " : "")}{rule.Path} }}";
                text.Append(CultureInfo.InvariantCulture, $"  use_backend {rule.Backend.Name} if {{ hdr(host) -i {rule.Host} }}{path}\n");
            }
        }
        foreach (var backend in table.Backends.Where(backend => backend.Listens))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\nfrontend {backend.Name}\n  bind {backend.Settings.BindAddress?.ToString() ?? "*"}:{backend.Settings.ListenPort}\n  mode {ModeOf(backend)}\n  use_backend {backend.Name}\n");
        }
        foreach (var backend in table.Backends)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nbackend {backend.Name}\n  balance {BalanceOf(backend.Settings.Balance)}\n  mode {ModeOf(backend)}\n");
            foreach (var server in backend.Servers)
            {
                var state = server.Standing switch { ServerStanding.Up => "", ServerStanding.Unreachable => " backup", _ => " disabled" };
                text.Append(CultureInfo.InvariantCulture, $"  server {server.Name} {server.Address} id {server.Number}{(backend.Settings.Sticky ? " cookie " + server.Cookie : "")}{state}\n");
            }
        }
        return text.ToString();
    }

    private static string ModeOf(Backend backend) => backend.Settings.Mode == ServiceMode.Http ? "http" : "tcp";

    private static string BalanceOf(Balance balance) => balance.Algorithm switch
    {
        BalanceAlgorithm.LeastConnections => "leastconn",
        BalanceAlgorithm.First => "first",
        BalanceAlgorithm.Random => "random",
        BalanceAlgorithm.Source => "source",
        BalanceAlgorithm.Uri => "uri",
        BalanceAlgorithm.UrlParameter => "url_param " + balance.Parameter,
        BalanceAlgorithm.Header => $"hdr({balance.Parameter})",
        _ => "roundrobin",
    };

    private static string NameOf(ListenerKind kind) => kind switch
    {
        ListenerKind.Http => "marathon_http_in",
        ListenerKind.Https => "marathon_https_in",
        ListenerKind.AppId => "marathon_http_appid_in",
        _ => "stats",
    };
}
