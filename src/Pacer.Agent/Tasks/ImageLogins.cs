using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Logins for registries as a task has them: those that it brings, those that its artifacts bring, and the node's own.</summary>
internal sealed class ImageLogins
{
    private const int MostConfigBytes = 1 << 20;

    private readonly string? _nodeConfig;

    private ImageLogins(string? nodeConfig) => _nodeConfig = nodeConfig;

    /// <summary>Throws <see cref="AgentException"/> when the node's file is no such file.</summary>
    public static ImageLogins Open(AgentOptions options)
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
        return new ImageLogins(options.DockerConfig);
    }

    /// <summary>Throws <see cref="ImageException"/>.</summary>
    public DockerConfig Of(ImageSpec image, string sandbox)
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
        return logins;
    }

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
}
