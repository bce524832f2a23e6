using System.Net.Sockets;

namespace Pacer.Agent.Containers.Docker;

/// <summary>Where the Docker Engine API is served: at one path, or at the first of the usual ones where there is a socket.</summary>
internal sealed class DockerSocket
{
    public const string Automatic = "auto";
    public const string None = "none";

    private readonly IReadOnlyList<string> _paths;

    private DockerSocket(IReadOnlyList<string> paths) => _paths = paths;

    /// <summary>Null for "none". <c>unix://PATH</c> is understood too, as in DOCKER_HOST. Throws <see cref="AgentException"/>.</summary>
    public static DockerSocket? Of(string setting)
    {
        if (setting == None)
        {
            return null;
        }
        if (setting == Automatic)
        {
            return new DockerSocket(Usual());
        }
        var path = setting.StartsWith("unix://", StringComparison.Ordinal) ? setting["unix://".Length..] : setting;
        return path.StartsWith('/') && path.Length < 108
            ? new DockerSocket([path])
            : throw new AgentException($"--docker-socket: '{setting}' is not valid. Give the absolute path of a socket (107 characters at most), auto or none.");
    }

    /// <summary>The path that is used now, or would be.</summary>
    public string Where => _paths.FirstOrDefault(File.Exists) ?? _paths[0];

    /// <summary>Throws <see cref="IOException"/> when there is no socket.</summary>
    public UnixDomainSocketEndPoint EndPoint() => File.Exists(Where)
        ? new UnixDomainSocketEndPoint(Where)
        : throw new IOException($"there is no socket {Where}");

    private static List<string> Usual()
    {
        List<string> paths = ["/var/run/docker.sock", "/run/podman/podman.sock"];
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } own && Environment.UserName != "root")
        {
            paths.AddRange([$"{own}/docker.sock", $"{own}/podman/podman.sock"]);
        }
        return paths;
    }
}
