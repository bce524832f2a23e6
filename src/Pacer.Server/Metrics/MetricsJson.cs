using System.Buffers;
using System.Text.Json;

namespace Pacer.Server.Metrics;

/// <summary>A reading in the form of Marathon's <c>GET /metrics</c>. Durations in seconds.</summary>
internal static class MetricsJson
{
    private static readonly (string Name, double Share)[] Quantiles =
        [("p50", 0.5), ("p75", 0.75), ("p95", 0.95), ("p98", 0.98), ("p99", 0.99), ("p999", 0.999)];

    public static ReadOnlyMemory<byte> Render(MetricsReading reading)
    {
        var buffer = new ArrayBufferWriter<byte>(16 * 1024);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("version"u8, "4.0.0");
        Section(json, "gauges", reading.Gauges, gauge => gauge.Name, gauge => Number(json, "value", gauge.Value));
        Section(json, "counters", reading.Counters, counter => counter.Name, counter => json.WriteNumber("count"u8, counter.Count));
        Section(json, "histograms", reading.Histograms, histogram => histogram.Name, histogram =>
        {
            json.WriteNumber("count"u8, histogram.Values.Count);
            Spread(json, histogram.Values.Recent(), 1);
        });
        Section(json, "meters", reading.Meters, meter => meter.Name, meter =>
        {
            json.WriteNumber("count"u8, meter.Rates.Count);
            PerSecond(json, meter.Rates);
            json.WriteString("units"u8, "events/second");
        });
        Section(json, "timers", reading.Timers, timer => timer.Name, timer =>
        {
            json.WriteNumber("count"u8, timer.Timer.Microseconds.Count);
            Spread(json, timer.Timer.Microseconds.Recent(), 1e-6);
            PerSecond(json, timer.Timer.Rate.PerSecond());
            json.WriteString("duration_units"u8, "seconds");
            json.WriteString("rate_units"u8, "calls/second");
        });
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static void Section<T>(Utf8JsonWriter json, string section, List<T> metrics, Func<T, string> name, Action<T> write)
    {
        json.WriteStartObject(section);
        foreach (var metric in metrics.OrderBy(name, StringComparer.Ordinal))
        {
            json.WriteStartObject(name(metric));
            write(metric);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Spread(Utf8JsonWriter json, Distribution.Spread spread, double unit)
    {
        Number(json, "max", spread.Max * unit);
        Number(json, "mean", spread.Mean * unit);
        Number(json, "min", spread.Min * unit);
        foreach (var (name, share) in Quantiles)
        {
            Number(json, name, spread.Quantile(share) * unit);
        }
        Number(json, "stddev", spread.Deviation * unit);
    }

    private static void PerSecond(Utf8JsonWriter json, Rates rates)
    {
        Number(json, "m15_rate", rates.FifteenMinutes);
        Number(json, "m1_rate", rates.OneMinute);
        Number(json, "m5_rate", rates.FiveMinutes);
        Number(json, "mean_rate", rates.Mean);
    }

    // Whole numbers stay whole: "0", not "0.0".
    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (value == Math.Floor(value) && Math.Abs(value) < 1e15)
        {
            json.WriteNumber(name, (long)value);
        }
        else
        {
            json.WriteNumber(name, value);
        }
    }
}
