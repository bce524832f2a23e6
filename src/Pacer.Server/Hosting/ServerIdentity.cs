using System.Reflection;

namespace Pacer.Server.Hosting;

/// <summary>What the server says of itself.</summary>
internal sealed class ServerIdentity(string clusterId, ServerOptions options, DateTimeOffset startedAt)
{
    public string ClusterId => clusterId;

    public ServerOptions Options => options;

    public DateTimeOffset StartedAt => startedAt;

    public static string Version { get; } =
        typeof(ServerIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary><c>HOST:PORT</c> of the REST API; known once the server listens.</summary>
    public string Leader
    {
        get;
        set
        {
            field = value;
            LeaderUrl = "http://" + value;
        }
    } = options.Http;

    public string LeaderUrl { get; private set; } = "http://" + options.Http;
}
