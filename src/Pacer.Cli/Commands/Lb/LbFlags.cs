using System.CommandLine;
using System.Net;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Roles;
using Pacer.Edge.Balancing;

namespace Pacer.Cli.Commands.Lb;

/// <summary>Flags of the load balancer: which apps it publishes, and where it listens.</summary>
internal sealed class LbFlags(Surroundings surroundings)
{
    private const string DefaultHttp = "0.0.0.0:80";
    private const string DefaultHttps = "0.0.0.0:443";
    private const string DefaultAppIds = "127.0.0.1:9091";
    private const string DefaultStatus = "127.0.0.1:9090";

    private readonly Flag _engine = new(surroundings, "--lb-engine", "PACER_LB_ENGINE", "ENGINE", "Who moves the bytes: embedded, or haproxy (needs that package)", "embedded");
    private readonly Flag _directory = new(surroundings, "--lb-dir", "PACER_LB_DIR", "DIR", "Where HAProxy's configuration and sockets are");
    private readonly Flag _groups = new(surroundings, "--lb-group", "PACER_LB_GROUP", "NAME,…", "Apps with these in HAPROXY_GROUP are published; * for all apps", "external");
    private readonly Flag _http = new(surroundings, "--lb-http", "PACER_LB_HTTP", "ADDR:PORT", "Virtual hosts, or off; when 80 can't be had, 9080 is", DefaultHttp);
    private readonly Flag _https = new(surroundings, "--lb-https", "PACER_LB_HTTPS", "ADDR:PORT", "Virtual hosts with TLS, or off; when 443 can't be had, 9443 is", DefaultHttps);
    private readonly Flag _appIds = new(surroundings, "--lb-appid", "PACER_LB_APPID", "ADDR:PORT", "Apps by the header X-Marathon-App-Id, or off", DefaultAppIds);
    private readonly Flag _status = Status(surroundings, "Statistics, metrics and status, or off");
    private readonly Flag _servicePorts = new(surroundings, "--lb-service-ports", "PACER_LB_SERVICE_PORTS", "on|off", "Listen on the service ports of apps", "on");
    private readonly Flag _bind = new(surroundings, "--lb-bind", "PACER_LB_BIND", "ADDR", "Where service ports are, unless a label says", "0.0.0.0");
    private readonly Flag _certificates = new(surroundings, "--lb-certs", "PACER_LB_CERTS", "DIR", "Certificates with their keys, PEM; read again when they change");
    private readonly Flag _paths = new(surroundings, "--lb-paths", "PACER_LB_PATHS", "ORDER", "longest: the longest prefix wins; marathon-lb: its order by weight and app id", "longest");
    private readonly Flag _strict = new(surroundings, "--lb-strict", "PACER_LB_STRICT", "on|off", "Publish only ports with HAPROXY_n_ENABLED", "off");
    private readonly Flag _acceptProxy = new(surroundings, "--lb-accept-proxy", "PACER_LB_ACCEPT_PROXY", "on|off", "Expect the PROXY protocol from clients of virtual hosts", "off");
    private readonly Flag _most = new(surroundings, "--lb-maxconn", "PACER_LB_MAXCONN", "N", "Connections at a time", "50000");
    private readonly Flag _drain = new(surroundings, "--lb-drain", "PACER_LB_DRAIN", "SECONDS", "How long connections to a task may go on that was told to end", "300");
    private readonly Flag _log = new(surroundings, "--lb-access-log", "PACER_LB_ACCESS_LOG", "FILE", "A line for each request; - for standard output", "off");
    private readonly Flag _errorPage = new(surroundings, "--lb-error-page", "PACER_LB_ERROR_PAGE", "FILE", "The page of answers with 503");

    public static Flag Status(Surroundings surroundings, string description) =>
        new(surroundings, "--lb-status", "PACER_LB_STATUS", "ADDR:PORT", description, DefaultStatus);

    public Flag Engine => _engine;

    public void AddTo(Command command)
    {
        foreach (var flag in new[] { _engine, _directory, _groups, _http, _https, _appIds, _status, _servicePorts, _bind, _certificates, _paths, _strict, _acceptProxy, _most, _drain, _log, _errorPage })
        {
            command.Add(flag);
        }
    }

    /// <param name="lenient">A port that can't be had is worth a note, not an end.</param>
    /// <param name="dataDirectory">Of the role that the balancer is a part of; null: it is alone.</param>
    public BalancerOptions Options(ParseResult parse, bool lenient, string? dataDirectory = null)
    {
        var groups = (parse.GetValue(_groups) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (groups.Length == 0)
        {
            throw FlagValue.Wrong(_groups, "", "groups such as external,internal, or *");
        }
        var bind = parse.GetValue(_bind) ?? "";
        if (!IPAddress.TryParse(bind == "*" ? "0.0.0.0" : bind, out var bindAddress))
        {
            throw FlagValue.Wrong(_bind, bind, "an IP address such as 0.0.0.0");
        }
        return new BalancerOptions
        {
            Groups = groups,
            HaproxyDirectory = FlagValue.OneOf(parse, _engine, "embedded", "haproxy") == "haproxy"
                ? parse.GetValue(_directory) is { Length: > 0 } place ? Path.GetFullPath(place) : LbRole.Directory(dataDirectory, surroundings) : null,
            Http = Address(parse, _http, DefaultHttp, 9080),
            Https = Address(parse, _https, DefaultHttps, 9443),
            AppIds = Address(parse, _appIds, DefaultAppIds, 0),
            Status = Address(parse, _status, DefaultStatus, 0),
            Lenient = lenient,
            ServicePorts = IsOn(parse, _servicePorts),
            BindAddress = bindAddress.Equals(IPAddress.Any) ? null : bindAddress,
            Certificates = parse.GetValue(_certificates) is { Length: > 0 } directory ? Path.GetFullPath(directory) : null,
            MarathonLbPaths = FlagValue.OneOf(parse, _paths, "longest", "marathon-lb") == "marathon-lb",
            Strict = IsOn(parse, _strict),
            AcceptProxy = IsOn(parse, _acceptProxy),
            MaxConnections = FlagValue.Whole(parse, _most, "50000") is { } most and > 0 and < int.MaxValue ? (int)most : throw FlagValue.Wrong(_most, parse.GetValue(_most)!, "a whole number such as 50000"),
            DrainTimeout = TimeSpan.FromSeconds(FlagValue.Whole(parse, _drain, "300") is { } drain and <= 1_000_000 ? drain : throw FlagValue.Wrong(_drain, parse.GetValue(_drain)!, "seconds such as 300")),
            AccessLog = parse.GetValue(_log) is { Length: > 0 } log && log != "off" ? log == "-" ? log : Path.GetFullPath(log) : null,
            ErrorPage = parse.GetValue(_errorPage) is { Length: > 0 } page ? Path.GetFullPath(page) : null,
        };
    }

    private static bool IsOn(ParseResult parse, Flag flag) => FlagValue.OneOf(parse, flag, "on", "off") == "on";

    private static BalancerAddress? Address(ParseResult parse, Flag flag, string standard, int fallback)
    {
        var text = parse.GetValue(flag) ?? standard;
        return text is "off" or "" ? null : new BalancerAddress(FlagValue.EndPoint(flag, text), text == standard ? fallback : null);
    }
}
