using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Fetching;

/// <summary>Brings a task's artifacts into its sandbox: one after the other for a task, tasks beside each other.</summary>
internal sealed class Fetcher(ArtifactSource source, FetchCache cache, int parallelism) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(parallelism);

    /// <summary>Throws <see cref="FetchException"/> for the first artifact that can't be had, naming it.</summary>
    public async Task FetchAllAsync(IReadOnlyList<Artifact> artifacts, string sandbox, NodeUser user, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var artifact in artifacts)
            {
                await FetchAsync(artifact, sandbox, user, cancellationToken).ConfigureAwait(false);
            }
            user.OwnTree(sandbox);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task FetchAsync(Artifact artifact, string sandbox, NodeUser user, CancellationToken cancellationToken)
    {
        var name = artifact.DestPath.Length > 0 ? artifact.DestPath : ArtifactSource.FileName(artifact.Uri)
            ?? throw new FetchException($"Failed to fetch {artifact.Uri}: the URI has no file name; give one in \"destPath\"");
        var target = Path.IsPathRooted(name) ? null : ConfinedPath.Resolve(sandbox, name, followLast: false);
        if (target is null || target == Path.GetFullPath(sandbox))
        {
            throw new FetchException($"Failed to fetch {artifact.Uri}: its destination '{name}' is not a path inside the sandbox");
        }
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var format = artifact is { Extract: true, Executable: false } ? ArchiveFormat.Of(name) : null;
        var part = target + ".fetching";
        try
        {
            if (artifact.Cache)
            {
                using var lease = await cache.GetAsync(NodeUser.UserName(user.Uid), artifact.Uri, cancellationToken).ConfigureAwait(false);
                if (format is not null)
                {
                    // As in Mesos, a cached archive itself does not appear in the sandbox.
                    await ExtractAsync(format, lease.File, name, sandbox, artifact.Uri, cancellationToken).ConfigureAwait(false);
                    return;
                }
                await source.CopyToAsync(lease.File, part, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await source.CopyToAsync(artifact.Uri, part, cancellationToken).ConfigureAwait(false);
            }
            if (artifact.Executable)
            {
                File.SetUnixFileMode(part, File.GetUnixFileMode(part) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            }
            File.Move(part, target, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
        if (format is not null)
        {
            await ExtractAsync(format, target, name, sandbox, artifact.Uri, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task ExtractAsync(
        ArchiveFormat format, string archive, string name, string sandbox, string uri, CancellationToken cancellationToken)
    {
        try
        {
            await format.ExtractAsync(archive, Path.GetFileName(name), sandbox, cancellationToken).ConfigureAwait(false);
            Extraction.CheckLinks(sandbox);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or NotSupportedException)
        {
            throw new FetchException($"Failed to extract {uri}: {e.Message}");
        }
    }

    public void Dispose() => _slots.Dispose();
}
