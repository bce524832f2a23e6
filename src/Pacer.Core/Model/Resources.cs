namespace Pacer.Core.Model;

/// <summary>Amounts in integers, so that sums never drift: CPU in thousandths of a core, memory and disk in bytes, whole GPUs.</summary>
public readonly record struct Resources(long CpuMillis, long MemoryBytes, long DiskBytes, int Gpus)
{
    public static readonly Resources None = default;

    public static Resources operator +(Resources a, Resources b) =>
        new(a.CpuMillis + b.CpuMillis, a.MemoryBytes + b.MemoryBytes, a.DiskBytes + b.DiskBytes, a.Gpus + b.Gpus);

    public static Resources operator -(Resources a, Resources b) =>
        new(a.CpuMillis - b.CpuMillis, a.MemoryBytes - b.MemoryBytes, a.DiskBytes - b.DiskBytes, a.Gpus - b.Gpus);

    /// <summary>The smaller amount of each resource.</summary>
    public static Resources Min(Resources a, Resources b) => new(
        Math.Min(a.CpuMillis, b.CpuMillis), Math.Min(a.MemoryBytes, b.MemoryBytes), Math.Min(a.DiskBytes, b.DiskBytes), Math.Min(a.Gpus, b.Gpus));

    /// <summary>Whether no resource is asked for beyond what is there; what is not asked for is not looked at.</summary>
    public bool FitsInto(Resources free) =>
        (CpuMillis <= 0 || CpuMillis <= free.CpuMillis) && (MemoryBytes <= 0 || MemoryBytes <= free.MemoryBytes)
        && (DiskBytes <= 0 || DiskBytes <= free.DiskBytes) && (Gpus <= 0 || Gpus <= free.Gpus);
}

/// <summary>A range of ports, both ends included.</summary>
public readonly record struct PortRange(int First, int Last)
{
    public int Count => Last - First + 1;
    public bool Contains(int port) => port >= First && port <= Last;
}
