using System.Globalization;
using System.Text;

namespace Pacer.Server.Metrics;

/// <summary>
/// A reading in Prometheus' text format 0.0.4: Marathon's metrics under its names (timers as summaries), and requests by route and status
/// and the loop's durations as histograms, which can be added up over servers.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly double[] Quantiles = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];

    public static byte[] Render(MetricsReading reading, RequestMetrics requests, LoopMetrics steps)
    {
        var text = new StringBuilder(32 * 1024);
        foreach (var (name, value) in reading.Gauges)
        {
            Type(text, name, "gauge").Append(Name(name)).Append(' ').Append(Text(value)).Append('\n');
        }
        foreach (var (name, count) in reading.Counters)
        {
            Type(text, name, "counter").Append(Name(name)).Append(' ').Append(count).Append('\n');
        }
        foreach (var (name, rates) in reading.Meters)
        {
            Type(text, name + ".total", "counter").Append(Name(name)).Append("_total ").Append(rates.Count).Append('\n');
        }
        foreach (var (name, values) in reading.Histograms)
        {
            Summary(text, name, values, 1);
        }
        foreach (var (name, timer) in reading.Timers)
        {
            Summary(text, name, timer.Microseconds, 1e-6);
        }
        Histograms(text, requests, steps);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Summary(StringBuilder text, string name, Distribution values, double unit)
    {
        Type(text, name, "summary");
        var spread = values.Recent();
        foreach (var quantile in Quantiles)
        {
            text.Append(Name(name)).Append("{quantile=\"").Append(Text(quantile)).Append("\"} ").Append(Text(spread.Quantile(quantile) * unit)).Append('\n');
        }
        text.Append(Name(name)).Append("_sum ").Append(Text(values.Sum * unit)).Append('\n');
        text.Append(Name(name)).Append("_count ").Append(values.Count).Append('\n');
    }

    private static void Histograms(StringBuilder text, RequestMetrics requests, LoopMetrics steps)
    {
        const string request = "pacer_http_request_duration_seconds";
        Type(text, request, "histogram");
        foreach (var (key, histogram) in requests.Routes.OrderBy(route => route.Key.Route, StringComparer.Ordinal).ThenBy(route => route.Key.Method, StringComparer.Ordinal))
        {
            Histogram(text, request, $"method=\"{key.Method}\",route=\"{Escape(key.Route)}\",status=\"{key.Status.ToString(CultureInfo.InvariantCulture)}\"", histogram);
        }
        Type(text, "pacer_loop_step_duration_seconds", "histogram");
        Histogram(text, "pacer_loop_step_duration_seconds", "", steps.Steps.Histogram);
        Type(text, "pacer_commit_duration_seconds", "histogram");
        Histogram(text, "pacer_commit_duration_seconds", "", steps.Commits.Histogram);
    }

    private static void Histogram(StringBuilder text, string name, string labels, DurationHistogram histogram)
    {
        var counts = histogram.Cumulative();
        for (var i = 0; i < counts.Length; i++)
        {
            var bound = i < DurationHistogram.Bounds.Length ? Text(DurationHistogram.Bounds[i]) : "+Inf";
            text.Append(name).Append("_bucket{").Append(labels).Append(labels.Length > 0 ? "," : "").Append("le=\"").Append(bound).Append("\"} ")
                .Append(counts[i]).Append('\n');
        }
        var braces = labels.Length > 0 ? "{" + labels + "}" : "";
        text.Append(name).Append("_sum").Append(braces).Append(' ').Append(Text(histogram.SumSeconds)).Append('\n');
        text.Append(name).Append("_count").Append(braces).Append(' ').Append(counts[^1]).Append('\n');
    }

    private static StringBuilder Type(StringBuilder text, string name, string type) =>
        text.Append("# TYPE ").Append(Name(name)).Append(' ').Append(type).Append('\n');

    private static string Name(string name) => name.Replace('.', '_').Replace('-', '_');

    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
