using System.Globalization;
using System.Text;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Status;

/// <summary>Prometheus' text format.</summary>
internal static class BalancerMetrics
{
    public static string Of(BalancerView view)
    {
        var text = new StringBuilder();
        var pools = view.Routes.Pools.Values.OrderBy(pool => pool.Backend.Name, StringComparer.Ordinal).ToList();
        var now = view.Now;
        Head(text, "pacer_lb_connections", "gauge", "Open connections of clients.");
        Line(text, "pacer_lb_connections", "", view.Doors.Open);
        Head(text, "pacer_lb_connections_total", "counter", "Connections of clients.");
        Line(text, "pacer_lb_connections_total", "", view.Doors.Total);
        Head(text, "pacer_lb_connections_refused_total", "counter", "Connections refused because there were too many.");
        Line(text, "pacer_lb_connections_refused_total", "", view.Doors.Refused);
        Head(text, "pacer_lb_contact", "gauge", "1 while there is contact with the server.");
        Line(text, "pacer_lb_contact", "", view.Trouble() is null ? 1 : 0);
        Head(text, "pacer_lb_warnings", "gauge", "Labels that are not done as they say, and other troubles.");
        Line(text, "pacer_lb_warnings", "", view.Warnings.Count);
        Head(text, "pacer_lb_requests_total", "counter", "Answers by backend and status class; connections in mode tcp count as 2xx.");
        foreach (var pool in pools)
        {
            for (var hundreds = 1; hundreds <= 5; hundreds++)
            {
                Line(text, "pacer_lb_requests_total", $"backend=\"{pool.Backend.Name}\",code=\"{hundreds}xx\"", pool.State.Answers(hundreds));
            }
        }
        Each(text, pools, "pacer_lb_retries_total", "counter", "Attempts after the first.", pool => pool.State.Retries);
        Each(text, pools, "pacer_lb_unserved_total", "counter", "Requests that no server answered.", pool => pool.State.Unserved);
        Each(text, pools, "pacer_lb_queue", "gauge", "Requests that wait for a server with room.", pool => pool.State.Queued);
        Each(text, pools, "pacer_lb_received_bytes_total", "counter", "Bytes from clients in mode tcp.", pool => pool.State.Received);
        Each(text, pools, "pacer_lb_sent_bytes_total", "counter", "Bytes to clients in mode tcp.", pool => pool.State.Sent);
        Head(text, "pacer_lb_request_duration_seconds", "histogram", "From a request's head to the end of its answer.");
        foreach (var pool in pools)
        {
            long sum = 0;
            for (var bucket = 0; bucket < BackendState.Buckets.Length; bucket++)
            {
                sum += pool.State.Latencies(bucket);
                Line(text, "pacer_lb_request_duration_seconds_bucket", string.Create(CultureInfo.InvariantCulture, $"backend=\"{pool.Backend.Name}\",le=\"{BackendState.Buckets[bucket]}\""), sum);
            }
            sum += pool.State.Latencies(BackendState.Buckets.Length);
            Line(text, "pacer_lb_request_duration_seconds_bucket", $"backend=\"{pool.Backend.Name}\",le=\"+Inf\"", sum);
            Line(text, "pacer_lb_request_duration_seconds_sum", $"backend=\"{pool.Backend.Name}\"", pool.State.LatencySeconds);
            Line(text, "pacer_lb_request_duration_seconds_count", $"backend=\"{pool.Backend.Name}\"", sum);
        }
        PerServer(text, pools, "pacer_lb_server_up", "gauge", "1 while the server gets new requests.", server => BalancerView.StatusOf(server, now) == "UP" ? 1 : 0);
        PerServer(text, pools, "pacer_lb_server_active", "gauge", "Requests under way.", server => server.Load.Active);
        PerServer(text, pools, "pacer_lb_server_requests_total", "counter", "Requests sent.", server => server.Load.Total);
        PerServer(text, pools, "pacer_lb_server_connect_failures_total", "counter", "Connections that did not come about.", server => server.Load.Failures);
        return text.ToString();
    }

    private static void Each(StringBuilder text, List<Pool> pools, string name, string type, string help, Func<Pool, double> value)
    {
        Head(text, name, type, help);
        foreach (var pool in pools)
        {
            Line(text, name, $"backend=\"{pool.Backend.Name}\"", value(pool));
        }
    }

    private static void PerServer(StringBuilder text, List<Pool> pools, string name, string type, string help, Func<PoolServer, double> value)
    {
        Head(text, name, type, help);
        foreach (var pool in pools)
        {
            foreach (var server in pool.Servers)
            {
                Line(text, name, $"backend=\"{pool.Backend.Name}\",server=\"{server.Server.Name}\"", value(server));
            }
        }
    }

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length > 0 ? "{" + labels + "}" : "").Append(CultureInfo.InvariantCulture, $" {value}\n");
}
