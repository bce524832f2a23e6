using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Dns.Forwarding;
using Pacer.Edge.Dns.Http;
using Pacer.Edge.Dns.Server;
using Pacer.Edge.Dns.Zones;
using Pacer.Edge.Endpoints;
using TcpListener = Pacer.Edge.Dns.Server.TcpListener;

namespace Pacer.Edge.Dns;

/// <summary>The DNS server can't start as it is set up. <see cref="Exception.Message"/> names the setting and the remedy, fit for users.</summary>
public sealed class DnsStartException(string message) : Exception(message);

/// <summary>A running DNS server: its zones follow the endpoints feed of a Pacer server.</summary>
public sealed partial class DnsHost : IAsyncDisposable
{
    private static readonly int[] ResolverPorts = [53, 61053];

    private readonly List<IDisposable> _listeners = [];
    private readonly List<IPEndPoint> _addresses = [];
    private readonly List<string> _notes = [];
    private readonly ILogger _log;
    private EndpointSource? _source;
    private MesosDnsApi? _api;

    private DnsHost(DnsOptions options, TimeProvider time, ILogger log)
    {
        _log = log;
        Zones = new DnsZones(options, time);
        Zones.Collided += collisions =>
        {
            foreach (var collision in collisions)
            {
                LogCollision(collision.Label, string.Join(", ", collision.Services));
            }
        };
        Zones.VipsWarned += warnings =>
        {
            foreach (var warning in warnings)
            {
                LogVip(warning.ServiceId, warning.Text);
            }
        };
    }

    /// <summary>Where it listens, with the ports that it really got.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => _addresses;

    /// <summary>Where it listens for containers (<see cref="DnsOptions.Resolver"/>); null: nowhere.</summary>
    public IPEndPoint? ResolverAddress { get; private set; }

    /// <summary>Where the HTTP API listens; null when it does not.</summary>
    public IPEndPoint? HttpAddress => _api?.LocalEndPoint;

    /// <summary>What did not come out as asked for, in words for users.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Completes when the names of the cluster are known.</summary>
    public Task Ready => _source?.FirstSnapshot ?? Task.CompletedTask;

    /// <summary>Why there is no contact to the server; null while there is.</summary>
    public string? Trouble => _source?.Trouble;

    internal DnsZones Zones { get; }

    /// <param name="server">Base address of the REST API whose endpoints are named.</param>
    public static async Task<DnsHost> StartAsync(DnsOptions options, Uri server, ILogger log)
    {
        var host = await StartAsync(options, TimeProvider.System, log);
        host._source = new EndpointSource(server, host.Apply, TimeProvider.System, log);
        return host;
    }

    internal static async Task<DnsHost> StartAsync(DnsOptions options, TimeProvider time, ILogger log)
    {
        var host = new DnsHost(options, time, log);
        var responder = new Responder(host.Zones, options);
        var upstreams = new Upstreams(options, time);
        var forwarder = new Forwarder(options, upstreams, new AnswerCache(time), responder);
        try
        {
            foreach (var listen in options.Listen)
            {
                host.Listen(listen, options.FallbackPort, responder, forwarder);
            }
            if (options.Resolver is { } resolver)
            {
                host.ResolverAddress = ResolverPorts
                    .Select(port => host.TryListen(new IPEndPoint(resolver, port), isForeign: true, responder, forwarder, out var address) is null ? address : null)
                    .FirstOrDefault(address => address is not null);
            }
            upstreams.Own = host.ResolverAddress is { } own ? [.. host._addresses, own] : host._addresses;
            if (options.HttpListen is { } http)
            {
                await host.ListenHttpAsync(http, options);
            }
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is not null)
        {
            await _source.DisposeAsync();
        }
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }
        if (_api is not null)
        {
            await _api.DisposeAsync();
        }
    }

    internal void Apply(EndpointUpdate update) => Zones.Apply(update);

    private void Listen(IPEndPoint wanted, int? fallbackPort, Responder responder, Forwarder forwarder)
    {
        var reason = TryListen(wanted, isForeign: false, responder, forwarder, out var address);
        if (reason is null)
        {
            _addresses.Add(address);
            return;
        }
        // Port 0: any that is free. A name server that is hard to find is better than none, and the note says where it is.
        foreach (var port in fallbackPort is { } fallback ? [fallback, 0] : Array.Empty<int>())
        {
            if (TryListen(new IPEndPoint(wanted.Address, port), isForeign: false, responder, forwarder, out address) is null)
            {
                _addresses.Add(address);
                _notes.Add($"DNS can't have {wanted} ({reason}); it answers on {address} instead. --dns-listen ADDRESS:PORT chooses another.");
                return;
            }
        }
        throw new DnsStartException($"--dns-listen {wanted} can't be used: {reason}. Choose another address with --dns-listen ADDRESS:PORT.");
    }

    /// <summary>UDP and TCP on one port, or the reason why not.</summary>
    private string? TryListen(IPEndPoint wanted, bool isForeign, Responder responder, Forwarder forwarder, out IPEndPoint address)
    {
        // A port that is free for UDP may be another's for TCP: the next one that the kernel picks is tried then.
        var attempts = wanted.Port == 0 ? 16 : 1;
        string? reason;
        do
        {
            reason = TryListenOnce(wanted, isForeign, responder, forwarder, out address);
        }
        while (reason is not null && --attempts > 0);
        return reason;
    }

    private string? TryListenOnce(IPEndPoint wanted, bool isForeign, Responder responder, Forwarder forwarder, out IPEndPoint address)
    {
        address = wanted;
        UdpListener? udp = null;
        try
        {
            udp = new UdpListener(wanted, isForeign, responder, forwarder);
            var tcp = new TcpListener(udp.LocalEndPoint, isForeign, responder, forwarder);
            _listeners.Add(udp);
            _listeners.Add(tcp);
            address = udp.LocalEndPoint;
            udp.Start();
            tcp.Start();
            return null;
        }
        catch (SocketException e)
        {
            udp?.Dispose();
            return ReasonOf(e);
        }
    }

    private async Task ListenHttpAsync(IPEndPoint wanted, DnsOptions options)
    {
        try
        {
            _api = await MesosDnsApi.StartAsync(wanted, Zones, options);
        }
        catch (IOException e)
        {
            var reason = e.GetBaseException() is SocketException socket ? ReasonOf(socket) : "another process listens there already";
            if (options.FallbackPort is null)
            {
                throw new DnsStartException($"--dns-http {wanted} can't be used: {reason}. Choose another address with --dns-http ADDRESS:PORT.");
            }
            _notes.Add($"DNS' HTTP API can't have {wanted} ({reason}) and is off. --dns-http ADDRESS:PORT chooses another.");
        }
    }

    private static string ReasonOf(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another process listens there",
        SocketError.AccessDenied => "ports below 1024 are for root",
        SocketError.AddressNotAvailable => "this machine has no such address",
        _ => string.Create(CultureInfo.InvariantCulture, $"the system refused it, error {e.NativeErrorCode}"),
    };

    [LoggerMessage(EventId = 610, Level = LogLevel.Warning, Message = "The DNS name {Label} stands for several services: {Services}. Rename one; until then it leads to all of them.")]
    private partial void LogCollision(string label, string services);

    [LoggerMessage(EventId = 611, Level = LogLevel.Warning, Message = "{Service}: {Text}")]
    private partial void LogVip(string service, string text);
}
