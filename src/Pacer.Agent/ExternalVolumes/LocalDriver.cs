namespace Pacer.Agent.ExternalVolumes;

/// <summary>
/// A directory for each volume below one of the node's. Where that one is shared storage, mounted at the same place on every node, data
/// follows its app. Nothing is ever removed.
/// </summary>
internal sealed class LocalDriver(string directory) : IVolumeDriver
{
    public const string Name = "local";

    private const UnixFileMode Everyone = (UnixFileMode)0b111_111_111;
    private const UnixFileMode UserOnly = (UnixFileMode)0b111_000_000;

    public string? Program => null;

    public Task<string> MountAsync(VolumeRequest volume, CancellationToken cancellationToken)
    {
        if (volume.Name is "." or ".." || volume.Name.Contains('/'))
        {
            throw new VolumeException("its name can't be the name of a directory");
        }
        if (volume.Options.Count > 0)
        {
            throw new VolumeException($"the driver '{Name}' has no option '{volume.Options.Keys.Order(StringComparer.Ordinal).First()}'");
        }
        var path = Path.Combine(directory, volume.Name);
        try
        {
            // Never the directory itself: storage that is not mounted must not be mistaken for empty storage.
            if (!Directory.Exists(directory))
            {
                throw new VolumeException($"the directory {directory} of the driver '{Name}' is not there");
            }
            if (!Directory.Exists(path))
            {
                Directory.CreateDirectory(path);
                File.SetUnixFileMode(path, volume.Shared ? Everyone : UserOnly);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException(e.Message);
        }
        return Task.FromResult(path);
    }

    public Task UnmountAsync(VolumeRequest volume, CancellationToken cancellationToken) => Task.CompletedTask;
}
