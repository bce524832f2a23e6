using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Agents;

namespace Pacer.Server.Secrets;

/// <summary>
/// Where contents come from: the cluster's own store (<c>db/password</c>), or files of a directory on the server's machine
/// (<c>file:db/password</c>), for those who have a tool that puts them there.
/// </summary>
internal sealed class SecretStore(SecretKey key, string? directory)
{
    public const int MaxBytes = 1024 * 1024;
    public const string FileScheme = "file:";

    public static bool IsFile(string source) => source.StartsWith(FileScheme, StringComparison.Ordinal);

    /// <summary>Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when a new key can't be kept.</summary>
    public string Seal(string name, ReadOnlySpan<byte> content) => SecretSeal.Seal(name, content, key.FindOrMake());

    /// <summary>Whether a launch would find it now, in words for a warning; null when it would.</summary>
    public string? Missing(ClusterState state, string source)
    {
        if (IsFile(source))
        {
            return PathOf(source) is not { } path ? FileProblem(source)
                : File.Exists(path) ? null : $"the secret '{source}' has no file {path} on the server";
        }
        return state.Secrets.ContainsKey(source.Trim('/'))
            ? null
            : $"the secret '{source}' is not stored yet; its tasks fail until 'pacer secret put {source.Trim('/')}'";
    }

    /// <summary>The content for one launch. Throws <see cref="LaunchRefusedException"/>, never naming the content.</summary>
    public byte[] Read(ClusterState state, RunSpecId reader, string source)
    {
        if (IsFile(source))
        {
            return ReadFile(source);
        }
        var name = source.Trim('/');
        if (!SealedSecret.IsAccessible(name, reader))
        {
            throw new LaunchRefusedException($"The secret '{name}' is not accessible from {reader}");
        }
        if (!state.Secrets.TryGetValue(name, out var secret))
        {
            throw new LaunchRefusedException($"The secret '{name}' does not exist: store it with 'pacer secret put {name}'");
        }
        return key.Find() is { } sealedWith && SecretSeal.Open(name, secret.Sealed, sealedWith) is { } content
            ? content
            : throw new LaunchRefusedException($"The secret '{name}' can't be opened: the server has another key than the one it was stored with");
    }

    private byte[] ReadFile(string source)
    {
        var path = PathOf(source) ?? throw new LaunchRefusedException(FileProblem(source));
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes)
            {
                throw new LaunchRefusedException($"The secret '{source}' is larger than {MaxBytes / 1024} KiB");
            }
            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LaunchRefusedException($"The secret '{source}' can't be read: {path} is missing or not readable on the server");
        }
    }

    private string? PathOf(string source) =>
        directory is not null && SecretName.Normalize(source[FileScheme.Length..], out _) is { } name ? Path.Combine(directory, name) : null;

    private string FileProblem(string source) => directory is null
        ? $"the secret '{source}' is a file, but the server has no --secrets-dir"
        : $"the secret '{source}' is no path below the server's --secrets-dir";
}
