using System.CommandLine;
using System.Globalization;
using System.Net;
using Pacer.Cli.Commands.Roles;
using Pacer.Edge.Dns;

namespace Pacer.Cli.Commands.Dns;

/// <summary>Flags of the DNS server: what its names mean, and where it listens and asks.</summary>
internal sealed class DnsFlags(Surroundings surroundings)
{
    private const string DefaultListen = "127.0.0.1:53";
    private const int DnsPort = 53;

    // Where DC/OS has Mesos-DNS, which has to share its machine too.
    private const int FallbackPort = 61053;

    private readonly Flag _listen = new(surroundings, "--dns-listen", "PACER_DNS_LISTEN", "ADDR:PORT,…", "Where DNS answers; when 53 is taken, 61053 is", DefaultListen);
    private readonly Flag _http = new(surroundings, "--dns-http", "PACER_DNS_HTTP", "ADDR:PORT", "Where Mesos-DNS' HTTP API is, or off", "127.0.0.1:8123");
    private readonly Flag _upstreams = new(surroundings, "--dns-upstreams", "PACER_DNS_UPSTREAMS", "IP[:PORT],…", "Servers for all other names, or off", "those of /etc/resolv.conf");
    private readonly Flag _zones = new(surroundings, "--dns-zones", "PACER_DNS_ZONES", "ZONE=IP[:PORT],…", "Servers for single domains");
    private readonly Flag _domain = new(surroundings, "--dns-domain", "PACER_DNS_DOMAIN", "NAME", "Domain of the names", "mesos");
    private readonly Flag _ttl = new(surroundings, "--dns-ttl", "PACER_DNS_TTL", "SECONDS", "How long clients may keep answers", "5");
    private readonly Flag _sources = new(surroundings, "--dns-ip-sources", "PACER_DNS_IP_SOURCES", "LIST", "auto: the address the ports are reached on; or host,netinfo in an order", "auto");
    private readonly Flag _unhealthy = new(surroundings, "--dns-unhealthy", "PACER_DNS_UNHEALTHY", "WHAT", "leave-out: tasks that can't serve while others can; publish: nobody", "leave-out");

    public void AddTo(Command command)
    {
        command.Add(_listen);
        command.Add(_http);
        command.Add(_upstreams);
        command.Add(_zones);
        AddNamesTo(command);
    }

    /// <summary>Only those that decide what a name means.</summary>
    public void AddNamesTo(Command command)
    {
        command.Add(_domain);
        command.Add(_ttl);
        command.Add(_sources);
        command.Add(_unhealthy);
    }

    public DnsOptions Options(ParseResult parse)
    {
        var upstreams = parse.GetValue(_upstreams);
        var listen = parse.GetValue(_listen) ?? DefaultListen;
        return NameOptions(parse) with
        {
            Listen = [.. Split(listen).Select(text => Address(_listen, text, null))],
            FallbackPort = listen == DefaultListen ? FallbackPort : null,
            HttpListen = parse.GetValue(_http) is { Length: > 0 } http && http != "off" ? Address(_http, http, null) : null,
            Forward = upstreams != "off",
            Upstreams = upstreams is null or "off" || upstreams == _upstreams.Standard ? [] : [.. Split(upstreams).Select(text => Address(_upstreams, text, DnsPort))],
            ZoneUpstreams = Zones(parse.GetValue(_zones) ?? ""),
        };
    }

    public DnsOptions NameOptions(ParseResult parse)
    {
        var domain = (parse.GetValue(_domain) ?? "").Trim('.').ToLowerInvariant();
        if (domain.Length is 0 or > 100 || domain.Split('.').Any(label => label.Length is 0 or > 63 || !label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')))
        {
            throw FlagValue.Wrong(_domain, domain, "a domain such as mesos or services.example");
        }
        var ttl = FlagValue.Whole(parse, _ttl, "5") ?? 5;
        if (ttl > 86_400)
        {
            throw FlagValue.Wrong(_ttl, parse.GetValue(_ttl)!, "seconds up to 86400, such as 5");
        }
        return new DnsOptions
        {
            Domain = domain,
            Ttl = (int)ttl,
            IpSources = parse.GetValue(_sources) is { Length: > 0 } sources && sources != "auto" ? [.. Split(sources).Select(Source)] : null,
            PublishUnhealthy = FlagValue.OneOf(parse, _unhealthy, "leave-out", "publish") == "publish",
        };
    }

    private AddressSource Source(string text) => text switch
    {
        "host" => AddressSource.Host,
        // The two that Mesos-DNS has for older containerizers say the same as netinfo here.
        "netinfo" or "mesos" or "docker" => AddressSource.NetInfo,
        _ => throw FlagValue.Wrong(_sources, text, "auto, or sources such as host,netinfo"),
    };

    private Dictionary<string, IReadOnlyList<IPEndPoint>> Zones(string text)
    {
        var zones = new Dictionary<string, List<IPEndPoint>>(StringComparer.Ordinal);
        foreach (var item in Split(text))
        {
            var equals = item.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw FlagValue.Wrong(_zones, item, "domains with servers such as corp.example=10.0.0.53");
            }
            var zone = item[..equals].Trim('.').ToLowerInvariant();
            if (!zones.TryGetValue(zone, out var servers))
            {
                zones[zone] = servers = [];
            }
            servers.Add(Address(_zones, item[(equals + 1)..], DnsPort));
        }
        return zones.ToDictionary(zone => zone.Key, zone => (IReadOnlyList<IPEndPoint>)zone.Value);
    }

    private static IPEndPoint Address(Flag flag, string text, int? standardPort) =>
        standardPort is { } port && IPAddress.TryParse(text, out var address) ? new IPEndPoint(address, port)
        : FlagValue.EndPoint(flag, text, standardPort is null ? null : "an IP address such as 10.0.0.53 or 10.0.0.53:5353");

    private static string[] Split(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
