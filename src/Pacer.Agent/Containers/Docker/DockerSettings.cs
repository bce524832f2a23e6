namespace Pacer.Agent.Containers.Docker;

/// <summary>What a container of a Docker daemon has besides what every <see cref="ContainerPlan"/> says.</summary>
/// <param name="Image">As <c>docker pull</c> takes it.</param>
/// <param name="Network">"host", "bridge", or the name of a network of the daemon.</param>
/// <param name="Parameters">Long options of <c>docker run</c> without the dashes, in the order given.</param>
/// <param name="IsShell">The arguments are a whole command that takes the place of the image's entry point; else they are given to it.</param>
public sealed record DockerSettings(
    string Image,
    string Network,
    bool Privileged,
    bool IsShell,
    IReadOnlyList<KeyValuePair<string, string>> Parameters,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<PublishedPort> Ports)
{
    public const string HostNetwork = "host";
    public const string BridgeNetwork = "bridge";
}

/// <summary>A port of the node that leads to a container.</summary>
/// <param name="Protocol">"tcp" or "udp".</param>
public sealed record PublishedPort(int HostPort, int ContainerPort, string Protocol);
