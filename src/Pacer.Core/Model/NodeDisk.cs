namespace Pacer.Core.Model;

public enum DiskType
{
    /// <summary>A directory that volumes share.</summary>
    Path,

    /// <summary>A file system that one volume gets whole.</summary>
    Mount,
}

/// <summary>A disk of a node beside the agent's own.</summary>
/// <param name="Path">Where it is on the node; unique there.</param>
/// <param name="Profile">What kind of disk the operator says it is; null: nothing.</param>
public sealed record NodeDisk(DiskType Type, string Path, long SizeBytes, string? Profile);

/// <summary>What one persistent volume asks of a disk that is not the agent's own.</summary>
/// <param name="Volume">As in <see cref="RunSpec.PersistentVolumes"/>.</param>
/// <param name="MaxSizeBytes">Largest disk that may be taken whole; null: any.</param>
/// <param name="Profile">The disk must have it; null: any disk will do.</param>
/// <param name="Paths">LIKE and UNLIKE of the disk's path.</param>
public sealed record DiskRequest(string Volume, DiskType Type, long SizeBytes, long? MaxSizeBytes, string? Profile, ValueList<Constraint> Paths);

/// <summary>The part of a disk that a volume got.</summary>
/// <param name="Path">The disk's.</param>
/// <param name="SizeBytes">Of a disk that is taken whole: its size.</param>
public sealed record DiskShare(string Volume, string Path, long SizeBytes);
