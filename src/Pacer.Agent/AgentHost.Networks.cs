using System.Net;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Networks;

namespace Pacer.Agent;

/// <summary>The agent's networks.</summary>
public sealed partial class AgentHost
{
    private static readonly TimeSpan NetworkLookInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DnsLookInterval = TimeSpan.FromSeconds(2);

    /// <summary>Why tasks have no networks of their own here, in one line with the remedy; null when they can.</summary>
    public string? MissingNetworks => _tools.Networks.Unavailable;

    /// <summary>Why virtual IPs pass through this process instead of the kernel; null: they do not, or there are none.</summary>
    public string? UserSpaceVips => _vips?.UserSpaceReason;

    /// <summary>Where a DNS server of Pacer's in this process should listen too, so that all containers of the node reach it; null: nowhere.</summary>
    public IPAddress? ResolverAddress => _tools.Networks.ResolverAt;

    /// <summary>Says where a DNS server of Pacer's is in this process, which containers then ask.</summary>
    /// <param name="atResolver">Where it listens at <see cref="ResolverAddress"/>; null: it does not.</param>
    public async Task UseDnsAsync(IPEndPoint server, IPEndPoint? atResolver)
    {
        _tools.Networks.ResolverServer = atResolver;
        _tools.Networks.DnsServer =
            new IPEndPoint(server.Address.Equals(IPAddress.Any) || server.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : server.Address, server.Port);
        try
        {
            await _tools.Networks.LookForDnsAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            LogNetworkLook(_tools.Logger, e.Message);
        }
    }

    private static Task<NodeNetworks> OpenNetworksAsync(AgentOptions options, IContainerRuntime runtime, ILogger logger) => NodeNetworks.OpenAsync(
        NetworkSettings.Of(options),
        new NetworkTools(),
        runtime is OciRuntime ? null : "this node runs plain processes, which have no networks of their own",
        logger);

    /// <summary>Others change the machine's firewall too, at any time.</summary>
    private async Task WatchNetworksAsync(CancellationToken cancellationToken)
    {
        var lastLook = _tools.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await Task.Delay(DnsLookInterval, _tools.Time, cancellationToken).ConfigureAwait(false);
                await _tools.Networks.LookForDnsAsync().ConfigureAwait(false);
                if (_tools.Time.GetElapsedTime(lastLook) >= NetworkLookInterval)
                {
                    lastLook = _tools.Time.GetTimestamp();
                    await _tools.Networks.CheckAsync().ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (IOException e)
            {
                LogNetworkLook(_tools.Logger, e.Message);
            }
        }
    }

    [LoggerMessage(2004, LogLevel.Warning, "The networks' rules could not be looked after: {Cause}")]
    private static partial void LogNetworkLook(ILogger logger, string cause);
}
