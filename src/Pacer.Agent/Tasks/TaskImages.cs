using Microsoft.Extensions.Logging;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Images as tasks ask for them: with the logins that the task brings, its artifacts bring, or the node has.</summary>
internal sealed class TaskImages : IDisposable
{
    private const int MostConfigBytes = 1 << 20;

    private readonly ImageStore _store;
    private readonly string? _nodeConfig;

    private TaskImages(ImageStore store, string? nodeConfig) => (_store, _nodeConfig) = (store, nodeConfig);

    /// <summary>Throws <see cref="AgentException"/> for settings that make no sense.</summary>
    public static TaskImages Open(AgentOptions options, string directory, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        if (options.DockerConfig is { } file)
        {
            try
            {
                DockerConfig.Parse(File.ReadAllBytes(file), file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageException)
            {
                throw new AgentException($"--docker-config: {e.Message}", e);
            }
        }
        var limits = new ImageLimits(options.ImageKeep, options.ImageCacheBytes);
        return new TaskImages(new ImageStore(directory, RegistrySettings.From(options), limits, time, logger, stopping), options.DockerConfig);
    }

    /// <summary>Throws <see cref="ImageException"/>.</summary>
    public Task ObtainAsync(string containerId, ImageSpec image, string sandbox, CancellationToken cancellationToken)
    {
        var logins = image.DockerConfig.IsEmpty ? DockerConfig.None : DockerConfig.Parse(image.DockerConfig.Memory, "the pull secret");
        foreach (var name in (ReadOnlySpan<string>)[".docker/config.json", ".dockercfg"])
        {
            // Fetched as an artifact, as for private registries in Marathon.
            if (ConfinedPath.Resolve(sandbox, name) is { } file && File.Exists(file))
            {
                logins = logins.Then(Read(file, $"{name} in the sandbox"));
            }
        }
        if (_nodeConfig is not null)
        {
            // Read each time: logins are renewed while the agent runs.
            logins = logins.Then(Read(_nodeConfig, _nodeConfig));
        }
        return _store.ObtainAsync(containerId, image.Name, image.ForcePull, logins, cancellationToken);
    }

    /// <summary>The image of a container, with its layers' directories, top first; null: it has none.</summary>
    public (ImageConfig Config, IReadOnlyList<string> Layers)? Of(string containerId) =>
        _store.Of(containerId) is { } image ? (image.Config, _store.LayerPaths(image)) : null;

    public void Release(string containerId) => _store.Release(containerId);

    public void ReleaseAllBut(IReadOnlySet<string> containers) => _store.ReleaseAllBut(containers);

    public void Collect() => _store.Collect();

    private static DockerConfig Read(string file, string source)
    {
        try
        {
            return new FileInfo(file).Length <= MostConfigBytes
                ? DockerConfig.Parse(File.ReadAllBytes(file), source)
                : throw new ImageException($"{source} is too long for a config.json of Docker");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"{source} can't be read: {e.Message}", e);
        }
    }

    public void Dispose() => _store.Dispose();
}
