using Microsoft.Extensions.Logging;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Images as tasks ask for them.</summary>
internal sealed class TaskImages : IDisposable
{
    private readonly ImageStore _store;
    private readonly ImageLogins _logins;

    private TaskImages(ImageStore store, ImageLogins logins) => (_store, _logins) = (store, logins);

    /// <summary>Throws <see cref="AgentException"/> for settings that make no sense.</summary>
    public static TaskImages Open(AgentOptions options, ImageLogins logins, string directory, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        var limits = new ImageLimits(options.ImageKeep, options.ImageCacheBytes);
        return new TaskImages(new ImageStore(directory, RegistrySettings.From(options), limits, time, logger, stopping), logins);
    }

    /// <summary>Throws <see cref="ImageException"/>.</summary>
    public Task ObtainAsync(string containerId, ImageSpec image, string sandbox, CancellationToken cancellationToken) =>
        _store.ObtainAsync(containerId, image.Name, image.ForcePull, _logins.Of(image, sandbox), cancellationToken);

    /// <summary>The image of a container, with its layers' directories, top first; null: it has none.</summary>
    public (ImageConfig Config, IReadOnlyList<string> Layers)? Of(string containerId) =>
        _store.Of(containerId) is { } image ? (image.Config, _store.LayerPaths(image)) : null;

    public void Release(string containerId) => _store.Release(containerId);

    public void ReleaseAllBut(IReadOnlySet<string> containers) => _store.ReleaseAllBut(containers);

    public void Collect() => _store.Collect();

    public void Dispose() => _store.Dispose();
}
