using System.Runtime.InteropServices;

namespace Pacer.Agent.Node;

/// <summary>What <c>stat</c> tells and the base library does not: owner, links, mode of a file or of a link itself.</summary>
internal readonly record struct FileStat(uint Mode, uint Uid, uint Gid, uint Links, long Size, long ModifiedSeconds)
{
    private const int AtFdCwd = -100;
    private const int SymlinkNoFollow = 0x100;
    private const uint BasicStats = 0x7ff;

    /// <summary>Throws <see cref="IOException"/>. statx, because its layout is the same on every architecture.</summary>
    public static unsafe FileStat OfLink(string path)
    {
        Native.StatX stat;
        return Native.statx(AtFdCwd, path, SymlinkNoFollow, BasicStats, &stat) == 0
            ? new FileStat(stat.Mode, stat.Uid, stat.Gid, stat.Links, (long)stat.Size, stat.ModifiedSeconds)
            : throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
