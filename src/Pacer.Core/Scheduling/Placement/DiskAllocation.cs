using System.Globalization;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>
/// Finds disks for the volumes of one instance: of disks that are shared the largest with room, of those that are taken whole the smallest
/// that fits (marathon-behaviour.md §2.2).
/// </summary>
internal sealed class DiskAllocation(ValueList<DiskRequest> requests)
{
    private readonly List<(DiskRequest Request, List<ConstraintTally> Paths)> _requests =
        [.. requests.Select(request => (request, request.Paths.Select(constraint => new ConstraintTally(constraint, 1)).ToList()))];

    /// <summary>Null when one of the volumes finds none.</summary>
    /// <param name="used">Bytes taken, by the path of a disk; not changed.</param>
    public ValueList<DiskShare>? TryAllocate(ValueList<NodeDisk> disks, IReadOnlyDictionary<string, long> used) => Allocate(disks, used, out _);

    /// <summary>In words: what the first volume that finds no disk asks for, and what there is.</summary>
    public Rejection? Explain(ValueList<NodeDisk> disks, IReadOnlyDictionary<string, long> used) =>
        Allocate(disks, used, out var failed) is null ? InWords(failed!, disks, used) : null;

    private ValueList<DiskShare>? Allocate(ValueList<NodeDisk> disks, IReadOnlyDictionary<string, long> used, out DiskRequest? failed)
    {
        var taken = new Dictionary<string, long>(used, StringComparer.Ordinal);
        var shares = new List<DiskShare>(_requests.Count);
        foreach (var (request, paths) in _requests)
        {
            var fitting = disks.Where(disk => IsWanted(disk, request) && paths.TrueForAll(path => path.Accepts(disk.Path)) && Fits(disk, request, taken.GetValueOrDefault(disk.Path)));
            var disk = request.Type == DiskType.Path
                ? fitting.OrderByDescending(disk => disk.SizeBytes).ThenBy(disk => disk.Path, StringComparer.Ordinal).FirstOrDefault()
                : fitting.OrderBy(disk => disk.SizeBytes).ThenBy(disk => disk.Path, StringComparer.Ordinal).FirstOrDefault();
            if (disk is null)
            {
                failed = request;
                return null;
            }
            var size = request.Type == DiskType.Path ? request.SizeBytes : disk.SizeBytes;
            taken[disk.Path] = taken.GetValueOrDefault(disk.Path) + size;
            shares.Add(new DiskShare(request.Volume, disk.Path, size));
        }
        failed = null;
        return ValueList.From(shares);
    }

    private static bool IsWanted(NodeDisk disk, DiskRequest request) =>
        disk.Type == request.Type && (request.Profile is null || request.Profile == disk.Profile);

    private static bool Fits(NodeDisk disk, DiskRequest request, long used) => request.Type == DiskType.Path
        ? disk.SizeBytes - used >= request.SizeBytes
        : used == 0 && disk.SizeBytes >= request.SizeBytes && disk.SizeBytes <= (request.MaxSizeBytes ?? long.MaxValue);

    private static Rejection InWords(DiskRequest request, ValueList<NodeDisk> disks, IReadOnlyDictionary<string, long> used)
    {
        var asked = $"a disk of type {request.Type.ToString().ToLowerInvariant()} with {MiB(request.SizeBytes)}";
        if (request.MaxSizeBytes is { } most)
        {
            asked += $" to {MiB(most)}";
        }
        if (request.Profile is { } profile)
        {
            asked += $" and the profile {profile}";
        }
        foreach (var constraint in request.Paths)
        {
            asked += $", path {constraint.Operator.ToString().ToUpperInvariant()} {constraint.Value}";
        }
        var there = disks.Select(disk => $"{disk.Type.ToString().ToLowerInvariant()} {disk.Path}{(disk.Profile is null ? "" : $" ({disk.Profile})")} with {MiB(Free(disk, used))} free").ToList();
        return new(RejectReason.InsufficientDisk, asked, there.Count == 0 ? "the agent's own disk only" : string.Join("; ", there));
    }

    private static long Free(NodeDisk disk, IReadOnlyDictionary<string, long> used) => Math.Max(0, disk.SizeBytes - used.GetValueOrDefault(disk.Path));

    private static string MiB(long bytes) => (bytes >> 20).ToString(CultureInfo.InvariantCulture) + " MiB";
}
