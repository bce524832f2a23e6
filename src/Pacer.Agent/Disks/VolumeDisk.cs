using System.Globalization;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Disks;

/// <summary>A disk for persistent volumes beside the agent's own, as written in <see cref="AgentOptions.VolumeDisks"/>.</summary>
public static class VolumeDisk
{
    private const string Example = "Write it like mount:/mnt/ssd,profile=fast or path:/data,size=102400.";

    /// <summary>
    /// Parses <c>TYPE:PATH[,size=MIB][,profile=NAME]</c>; without a size it is 0. Throws <see cref="AgentException"/> naming the part that is wrong.
    /// </summary>
    public static Disk Parse(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        var colon = parts[0].IndexOf(':');
        var disk = new Disk
        {
            Type = (colon < 0 ? "" : parts[0][..colon]) switch
            {
                "path" => DiskType.DiskPath,
                "mount" => DiskType.DiskMount,
                _ => throw Wrong(text, "it must begin with path: or mount:"),
            },
            Path = parts[0][(colon + 1)..],
        };
        if (!disk.Path.StartsWith('/') || disk.Path.Contains("/../", StringComparison.Ordinal))
        {
            throw Wrong(text, $"'{disk.Path}' is no absolute path");
        }
        disk.Path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(disk.Path));
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=');
            var (name, value) = equals > 0 ? (part[..equals], part[(equals + 1)..]) : (part, "");
            switch (name)
            {
                case "size" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is > 0 and <= 1_000_000_000:
                    disk.SizeBytes = size << 20;
                    break;
                case "size":
                    throw Wrong(text, $"'{part}' is no number of MiB");
                case "profile" when value.Length > 0:
                    disk.Profile = value;
                    break;
                default:
                    throw Wrong(text, $"'{part}' is neither size=MIB nor profile=NAME");
            }
        }
        return disk;
    }

    /// <summary>
    /// The disks that are there, with their sizes: unless given, those of their file systems. Throws <see cref="AgentException"/> for one that is not.
    /// </summary>
    public static IReadOnlyList<Disk> Find(IReadOnlyList<string> texts)
    {
        var disks = new List<Disk>(texts.Count);
        foreach (var text in texts)
        {
            var disk = Parse(text);
            if (!Directory.Exists(disk.Path))
            {
                throw Wrong(text, $"there is no directory {disk.Path}");
            }
            // Volumes on a disk that is not mounted would fill the one below, and be hidden when it is.
            if (disk.Type == DiskType.DiskMount && !IsMountPoint(disk.Path))
            {
                throw Wrong(text, $"nothing is mounted at {disk.Path}");
            }
            if (disks.Exists(other => other.Path == disk.Path))
            {
                throw Wrong(text, $"{disk.Path} is given twice");
            }
            if (disk.SizeBytes == 0)
            {
                disk.SizeBytes = new DriveInfo(disk.Path).TotalSize;
            }
            disks.Add(disk);
        }
        return disks;
    }

    // Each line of mountinfo has the mount point in its fifth field, with blanks as \040.
    private static bool IsMountPoint(string path) => File.ReadLines("/proc/self/mountinfo").Any(line =>
        line.Split(' ') is { Length: > 4 } fields && fields[4].Replace("\\040", " ", StringComparison.Ordinal) == path);

    private static AgentException Wrong(string text, string reason) => new($"--volume-disk '{text}': {reason}. {Example}");
}
