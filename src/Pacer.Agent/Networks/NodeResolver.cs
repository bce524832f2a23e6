namespace Pacer.Agent.Networks;

/// <summary>How the node itself looks up names.</summary>
internal static class NodeResolver
{
    /// <summary>The node's resolv.conf; behind systemd's stub, which only the node can reach, the file with the real nameservers.</summary>
    public static string Read()
    {
        var text = Read("/etc/resolv.conf");
        return text.Contains("127.0.0.53", StringComparison.Ordinal) && Read("/run/systemd/resolve/resolv.conf") is { Length: > 0 } real ? real : text;
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
