namespace Pacer.Agent.Containers;

/// <summary>Which runtime a container belongs to, told by its id alone, so that nothing else has to be remembered.</summary>
internal static class ContainerKind
{
    // Other ids end with ten hexadecimal digits.
    private const string DockerEnd = ".docker";

    public static bool IsDocker(string containerId) => containerId.EndsWith(DockerEnd, StringComparison.Ordinal);

    public static string Docker(string containerId) => containerId + DockerEnd;

    /// <summary>Without the mark.</summary>
    public static string Bare(string containerId) => IsDocker(containerId) ? containerId[..^DockerEnd.Length] : containerId;
}
