using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

/// <summary>Values that several records share.</summary>
internal static class RecordValues
{
    public static ResourcesRecord ToRecord(Resources resources) => new()
    {
        CpuMillis = resources.CpuMillis,
        MemoryBytes = resources.MemoryBytes,
        DiskBytes = resources.DiskBytes,
        Gpus = resources.Gpus,
    };

    public static Resources ToModel(ResourcesRecord? record) =>
        record is null ? Resources.None : new(record.CpuMillis, record.MemoryBytes, record.DiskBytes, record.Gpus);

    /// <summary>An enum value by its stored number; an unknown one means that the row is not ours to read.</summary>
    public static T ToEnum<T>(int number) where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), number);
        return Enum.IsDefined(value) ? value : throw new FormatException($"{number} is not a {typeof(T).Name}.");
    }

    public static Timestamp? Moment(bool present, long unixMilliseconds) => present ? new Timestamp(unixMilliseconds) : null;

    public static ValueList<TOut> Map<TIn, TOut>(IReadOnlyList<TIn> items, Func<TIn, TOut> map)
    {
        if (items.Count == 0)
        {
            return ValueList<TOut>.Empty;
        }
        var mapped = new TOut[items.Count];
        for (var i = 0; i < mapped.Length; i++)
        {
            mapped[i] = map(items[i]);
        }
        return ValueList.Create<TOut>(mapped);
    }

    public static ValueList<string> Strings(IReadOnlyList<string> items) => Map(items, static item => item);
}
