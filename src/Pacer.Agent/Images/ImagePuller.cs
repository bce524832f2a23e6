using Pacer.Agent.Images.Layers;
using Pacer.Agent.Images.Registry;

namespace Pacer.Agent.Images;

/// <summary>Brings an image's layers into the store, several at a time, each unpacked while it comes.</summary>
internal sealed class ImagePuller(RegistryClient registry, LayerStore layers)
{
    private const int LayersAtATime = 4;

    /// <summary>Throws <see cref="ImageException"/>, whose message does not name the image.</summary>
    /// <param name="isKnown">The record of a manifest digest that needs nothing any more; null when there is none.</param>
    /// <param name="pin">Told the layers as soon as they are known, so that none is removed before the image is recorded.</param>
    public async Task<(string Digest, ImageConfig Config)> PullAsync(
        ImageName name, DockerConfig logins, Func<string, ImageConfig?> isKnown, Action<IReadOnlyList<string>> pin, CancellationToken cancellationToken)
    {
        var (digest, content) = await registry.GetManifestAsync(name, name.Reference, logins, cancellationToken).ConfigureAwait(false);
        var manifest = ImageManifest.Parse(content);
        if (manifest is ImageManifest.Index index)
        {
            (digest, content) = await registry.GetManifestAsync(name, index.ForThisMachine(), logins, cancellationToken).ConfigureAwait(false);
            manifest = ImageManifest.Parse(content);
        }
        if (manifest is not ImageManifest.Single image)
        {
            throw new ImageException("its index leads to another index");
        }
        if (isKnown(digest) is { } known)
        {
            return (digest, known);
        }
        var config = ImageConfig.Parse(await registry.GetConfigAsync(name, image.Config, logins, cancellationToken).ConfigureAwait(false));
        if (config.DiffIds.Count != image.Layers.Count || config.DiffIds.Any(id => id.Length != 71 || !id.StartsWith("sha256:", StringComparison.Ordinal)))
        {
            throw new ImageException("its manifest and its configuration disagree on the layers");
        }
        if (config.DiffIds.Count == 0)
        {
            throw new ImageException("it has no layers, so it is no image of a file system");
        }
        pin(config.DiffIds);
        var identity = logins.Identity ?? "";
        await Parallel.ForEachAsync(
            config.DiffIds.Zip(image.Layers).DistinctBy(pair => pair.First),
            new ParallelOptions { MaxDegreeOfParallelism = LayersAtATime, CancellationToken = cancellationToken },
            async (pair, token) => await layers.EnsureAsync(
                pair.First,
                identity,
                stopping => new BlobStream(registry, name, pair.Second, logins, stopping),
                token).ConfigureAwait(false)).ConfigureAwait(false);
        return (digest, config);
    }
}
