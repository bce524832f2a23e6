using System.Runtime.InteropServices;

namespace Pacer.Agent.Node;

/// <summary>What <c>stat</c> tells and the base library does not: owner, links, mode of a file or of a link itself.</summary>
internal readonly record struct FileStat(uint Mode, uint Uid, uint Gid, uint Links, long Size, long ModifiedSeconds)
{
    private const int AtFdCwd = -100;
    private const int SymlinkNoFollow = 0x100;
    private const uint BasicStats = 0x7ff;

    private const int EmptyPath = 0x1000;
    private const uint TypeMask = 0xF000;
    private const uint RegularType = 0x8000;
    private const uint DirectoryType = 0x4000;
    private const uint CharacterDeviceType = 0x2000;

    public bool IsRegular => (Mode & TypeMask) == RegularType;

    /// <summary>Of 512 bytes, as the file takes them on its disk.</summary>
    public long Blocks { get; init; }

    public bool IsDirectory => (Mode & TypeMask) == DirectoryType;

    public bool IsCharacterDevice => (Mode & TypeMask) == CharacterDeviceType;

    /// <summary>Of the device that the file stands for.</summary>
    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Of an open file. Throws <see cref="IOException"/>.</summary>
    public static FileStat OfOpen(int descriptor) => Of(descriptor, "", EmptyPath);

    /// <summary>Throws <see cref="IOException"/>. statx, because its layout is the same on every architecture.</summary>
    public static FileStat OfLink(string path) => Of(AtFdCwd, path, SymlinkNoFollow);

    private static unsafe FileStat Of(int directory, string path, int flags)
    {
        Native.StatX stat;
        return Native.statx(directory, path, flags, BasicStats, &stat) == 0
            ? new FileStat(stat.Mode, stat.Uid, stat.Gid, stat.Links, (long)stat.Size, stat.ModifiedSeconds)
            {
                Blocks = (long)stat.Blocks, DeviceMajor = stat.DeviceMajor, DeviceMinor = stat.DeviceMinor,
            }
            : throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
