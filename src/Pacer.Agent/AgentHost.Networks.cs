using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Networks;

namespace Pacer.Agent;

/// <summary>The agent's networks.</summary>
public sealed partial class AgentHost
{
    private static readonly TimeSpan NetworkLookInterval = TimeSpan.FromSeconds(30);

    /// <summary>Why tasks have no networks of their own here, in one line with the remedy; null when they can.</summary>
    public string? MissingNetworks => _tools.Networks.Unavailable;

    private static Task<NodeNetworks> OpenNetworksAsync(AgentOptions options, IContainerRuntime runtime, ILogger logger) => NodeNetworks.OpenAsync(
        NetworkSettings.Of(options),
        new NetworkTools(),
        runtime is OciRuntime ? null : "this node runs plain processes, which have no networks of their own",
        logger);

    /// <summary>Others change the machine's firewall too, at any time.</summary>
    private async Task WatchNetworksAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await Task.Delay(NetworkLookInterval, _tools.Time, cancellationToken).ConfigureAwait(false);
                await _tools.Networks.CheckAsync().ConfigureAwait(false);
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
