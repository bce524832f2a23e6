using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Pacer.Agent.Networks;

/// <summary>Whom containers ask for names.</summary>
internal sealed partial class NodeNetworks
{
    private static readonly TimeSpan DnsLookPause = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _dnsGate = new(1);
    private long _lastDnsLook;
    private DnsFound _dns;

    /// <summary>Where Pacer's DNS server of this node is, when that is known.</summary>
    public IPEndPoint? DnsServer { get; set; }

    /// <summary>Where a DNS server listens at <see cref="ResolverAt"/> itself; null: none does.</summary>
    public IPEndPoint? ResolverServer { get; set; }

    /// <summary>The address that containers without a bridge of ours ask; null: there is none.</summary>
    public IPAddress? ResolverAt => Unavailable is null && _settings.ContainerDns ? _naming.ResolverAddress : null;

    /// <summary>Leads DNS questions of containers to who answers now. To be called now and then.</summary>
    public async Task LookForDnsAsync()
    {
        if (ResolverAt is not null && (_bridges.Interfaces.Count > 0 || _resolver.IsMade))
        {
            await LookAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What a container in the node's network, or in one of Docker's, needs to ask Pacer's DNS server; null: it asks whom the node asks.</summary>
    public async Task<ResolverPlace?> ResolverAsync()
    {
        if (ResolverAt is not { } address)
        {
            return null;
        }
        try
        {
            if (!_dns.IsPacers && (_lastDnsLook == 0 || Stopwatch.GetElapsedTime(_lastDnsLook) > DnsLookPause))
            {
                await LookAsync().ConfigureAwait(false);
            }
            var found = _dns;
            return found.IsPacers ? new ResolverPlace(address.ToString(), await _resolver.MakeAsync(found.ToResolver()).ConfigureAwait(false), found.Everywhere is not null) : null;
        }
        catch (IOException e)
        {
            LogResolver(_logger, e.Message);
            return null;
        }
    }

    /// <summary>No container is left that asks the resolver's address.</summary>
    public async Task RemoveResolverAsync()
    {
        try
        {
            await _resolver.RemoveAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            // The next agent of this work directory finds it.
            LogReconcile(_logger, e.Message);
        }
    }

    private async Task LookAsync()
    {
        await _dnsGate.WaitAsync().ConfigureAwait(false);
        try
        {
            var server = await ContainerDns.FindAsync(DnsServer ?? _settings.DnsServer).ConfigureAwait(false);
            var everywhere = server is null || !IPAddress.IsLoopback(server.Address) ? server : ResolverServer;
            _dns = new DnsFound(server, everywhere, ContainerDns.Upstream(NodeResolver.Read()), _naming.ResolverAddress);
            _lastDnsLook = Stopwatch.GetTimestamp();
            await LeadAsync().ConfigureAwait(false);
        }
        finally
        {
            _dnsGate.Release();
        }
    }

    /// <summary>For a bridge that is just there.</summary>
    private Task LeadDnsAsync() => ResolverAt is null ? Task.CompletedTask : _lastDnsLook == 0 ? LookAsync() : LeadAsync();

    private async Task RestoreResolverAsync(bool isUsed)
    {
        if (!_resolver.WasMade)
        {
            return;
        }
        if (isUsed && ResolverAt is not null)
        {
            await LookAsync().ConfigureAwait(false);
            await _resolver.MakeAsync(_dns.ToResolver()).ConfigureAwait(false);
        }
        else
        {
            await _resolver.RemoveAsync().ConfigureAwait(false);
        }
    }

    private async Task LeadAsync()
    {
        if (_bridges.Interfaces.Count > 0)
        {
            await _ports.SetDnsAsync(_dns.Server ?? _dns.Upstream).ConfigureAwait(false);
        }
        await _resolver.SetAsync(_dns.ToResolver()).ConfigureAwait(false);
    }

    /// <summary>Pacer's DNS server may be in this process, and nobody looks after the rules any more.</summary>
    private async Task LeaveDnsAsync()
    {
        if (ResolverAt is null || !(_ports.IsWritten || _resolver.IsMade))
        {
            return;
        }
        try
        {
            _dns = new DnsFound(null, null, ContainerDns.Upstream(NodeResolver.Read()), _naming.ResolverAddress);
            await _ports.SetDnsAsync(_dns.Upstream).ConfigureAwait(false);
            await _resolver.SetAsync(_dns.ToResolver()).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            LogReconcile(_logger, e.Message);
        }
    }

    /// <param name="Server">Pacer's, as the node reaches it.</param>
    /// <param name="Everywhere">The same, where the node's other networks reach it.</param>
    /// <param name="Upstream">The node's own nameserver.</param>
    private readonly record struct DnsFound(IPEndPoint? Server, IPEndPoint? Everywhere, IPEndPoint? Upstream, IPAddress? Resolver)
    {
        public bool IsPacers => Server is not null;

        public ResolverTargets ToResolver() => new(Other(Everywhere ?? Server ?? Upstream), Other(Everywhere ?? Upstream));

        // Who listens there needs no rule.
        private IPEndPoint? Other(IPEndPoint? place) => place is { Port: 53 } && place.Address.Equals(Resolver) ? null : place;
    }

    [LoggerMessage(2702, LogLevel.Warning, "Containers ask the node's nameservers, not Pacer's DNS: {Cause}")]
    private static partial void LogResolver(ILogger logger, string cause);
}
