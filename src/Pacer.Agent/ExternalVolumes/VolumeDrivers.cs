namespace Pacer.Agent.ExternalVolumes;

/// <summary>The drivers that a node's settings name.</summary>
internal static class VolumeDrivers
{
    /// <summary>By name. Throws <see cref="AgentException"/> for settings that make no sense.</summary>
    public static IReadOnlyDictionary<string, IVolumeDriver> Of(AgentOptions options)
    {
        var drivers = new SortedDictionary<string, IVolumeDriver>(StringComparer.Ordinal);
        if (options.LocalVolumes is { } directory)
        {
            if (!Directory.Exists(directory))
            {
                throw new AgentException($"--local-volumes: there is no directory {directory}. Make or mount it, or name another.");
            }
            drivers[LocalDriver.Name] = new LocalDriver(Path.GetFullPath(directory));
        }
        foreach (var (name, program) in options.VolumeDrivers)
        {
            if (name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
            {
                throw new AgentException($"--volume-driver: '{name}' can't be the name of a driver. Use letters, digits, '.', '_' and '-'.");
            }
            if (!File.Exists(program) || (File.GetUnixFileMode(program) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == 0)
            {
                throw new AgentException($"--volume-driver {name}: {program} is not a program. Give the path of an executable file.");
            }
            if (!drivers.TryAdd(name, new ProgramDriver(Path.GetFullPath(program), ProgramDriver.DefaultPatience)))
            {
                throw new AgentException($"--volume-driver: the name '{name}' is that of --local-volumes. Choose another.");
            }
        }
        return drivers;
    }
}
