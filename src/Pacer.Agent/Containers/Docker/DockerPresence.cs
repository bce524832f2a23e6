using Microsoft.Extensions.Logging;

namespace Pacer.Agent.Containers.Docker;

/// <summary>Whether the daemon answers, and which networks it has: what a node can offer changes with it while the agent runs.</summary>
internal sealed partial class DockerPresence(DockerRuntime runtime, TimeProvider time, ILogger logger)
{
    /// <summary>Prefix of the daemon's networks among those of a node: other containers can't have them.</summary>
    public const string NetworkPrefix = "docker/";

    // As for its networks.
    private const string DriverPrefix = "docker/";

    private static readonly string[] Endings = [".sock", ".spec", ".json"];

    // The daemon counts all that it has to answer that, and plugins come seldom.
    private const int LooksPerInfo = 15;
    private int _looks;
    private DaemonInfo? _info;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);
    private bool _told;

    /// <summary>What the node offers by it: names of runtimes and of networks. Replaced as a whole.</summary>
    public DockerOffer Offer { get; private set; } = DockerOffer.Nothing;

    /// <summary>Looks once. Returns whether the offer has changed.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var found = await FindAsync(cancellationToken).ConfigureAwait(false);
        if (found.Equals(Offer))
        {
            return false;
        }
        if (found.Answers != Offer.Answers && (found.Answers || _told))
        {
            Action<ILogger, string> say = found.Answers ? LogAnswers : LogAway;
            say(logger, runtime.Engine.Where);
        }
        _told |= found.Answers;
        Offer = found;
        return true;
    }

    /// <param name="changed">Called after each change.</param>
    public async Task WatchAsync(Func<Task> changed, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await Task.Delay(LookInterval, time, cancellationToken).ConfigureAwait(false);
                if (await LookAsync(cancellationToken).ConfigureAwait(false))
                {
                    await changed().ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogUnexpected(logger, e);
            }
        }
    }

    private async Task<DockerOffer> FindAsync(CancellationToken cancellationToken)
    {
        if (!await runtime.Engine.PingAsync(cancellationToken).ConfigureAwait(false))
        {
            return DockerOffer.Nothing;
        }
        try
        {
            var networks = await runtime.Engine.GetAsync("/networks", EngineJson.Default.ListListedNetwork, cancellationToken).ConfigureAwait(false);
            if (_info is null || !Offer.Answers || ++_looks >= LooksPerInfo)
            {
                _looks = 0;
                _info = await runtime.Engine.GetAsync("/info", EngineJson.Default.DaemonInfo, cancellationToken).ConfigureAwait(false);
            }
            // A daemon may do without its bridge. "podman" is Podman's name for it.
            return new DockerOffer(true, [.. networks.Where(network => network.Driver is not ("host" or "null") && network.Name.Length > 0)
                .Select(network => NetworkPrefix + (network.Name == "podman" ? "bridge" : network.Name)).Distinct().Order(StringComparer.Ordinal)])
            {
                VolumeDrivers = [.. Drivers(_info.Plugins?.Volume is { Count: > 0 } plugins ? plugins : ["local"])],
            };
        }
        catch (Exception e) when (e is EngineException or EngineUnavailableException)
        {
            return DockerOffer.Nothing;
        }
    }

    private static IEnumerable<string> Drivers(IEnumerable<string> loaded) =>
        loaded.Concat(NotLoadedYet()).Select(name => DriverPrefix + name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    // The daemon names plugins of the old kind only once a container has used them. These are the places where it looks for them:
    // NAME.sock, or NAME/NAME.sock.
    private static IEnumerable<string> NotLoadedYet()
    {
        foreach (var directory in (string[])["/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"])
        {
            string[] entries;
            try
            {
                entries = Directory.Exists(directory) ? Directory.GetFileSystemEntries(directory) : [];
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            foreach (var entry in entries)
            {
                var name = Path.GetFileNameWithoutExtension(entry);
                if (Path.GetExtension(entry) is ".sock" or ".spec" or ".json" || Endings.Any(ending => File.Exists(Path.Combine(entry, name + ending))))
                {
                    yield return name;
                }
            }
        }
    }

    [LoggerMessage(2911, LogLevel.Information, "The Docker daemon at {Socket} answers: the node runs Docker containers")]
    private static partial void LogAnswers(ILogger logger, string socket);

    [LoggerMessage(2912, LogLevel.Warning, "The Docker daemon at {Socket} does not answer: the node takes no more Docker containers until it does")]
    private static partial void LogAway(ILogger logger, string socket);

    [LoggerMessage(2913, LogLevel.Error, "Unexpected error while looking after the Docker daemon")]
    private static partial void LogUnexpected(ILogger logger, Exception e);
}

/// <summary>What a node can run by its Docker daemon.</summary>
internal sealed record DockerOffer(bool Answers, IReadOnlyList<string> Networks)
{
    public static readonly DockerOffer Nothing = new(false, []);

    /// <summary>Drivers that its volumes can have.</summary>
    public IReadOnlyList<string> VolumeDrivers { get; init; } = [];

    public bool Equals(DockerOffer? other) => other is not null && Answers == other.Answers
        && Networks.SequenceEqual(other.Networks) && VolumeDrivers.SequenceEqual(other.VolumeDrivers);

    public override int GetHashCode() => HashCode.Combine(Answers, Networks.Count);
}
