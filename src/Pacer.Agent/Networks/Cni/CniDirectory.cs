using Microsoft.Extensions.Logging;

namespace Pacer.Agent.Networks.Cni;

/// <summary>The networks that a directory of CNI configurations describes. Names are read at start, contents at each use.</summary>
internal sealed partial class CniDirectory(string? directory, ILogger logger)
{
    private static readonly string[] Endings = [".conf", ".conflist", ".json"];

    /// <summary>By file name; of two with one name the first counts, as everywhere with CNI.</summary>
    public IReadOnlyList<CniNetwork> Read()
    {
        var networks = new List<CniNetwork>();
        if (directory is null || !Directory.Exists(directory))
        {
            return networks;
        }
        foreach (var path in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
        {
            if (!Endings.Contains(Path.GetExtension(path)))
            {
                continue;
            }
            try
            {
                var network = CniNetwork.Parse(File.ReadAllText(path));
                if (networks.All(known => known.Name != network.Name))
                {
                    networks.Add(network);
                }
            }
            catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
            {
                LogUnreadable(logger, path, e.Message);
            }
        }
        return networks;
    }

    [LoggerMessage(2711, LogLevel.Warning, "The CNI configuration {Path} is left out: {Cause}")]
    private static partial void LogUnreadable(ILogger logger, string path, string cause);
}
