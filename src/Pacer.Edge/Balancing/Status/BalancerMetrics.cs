using System.Globalization;
using System.Text;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Status;

/// <summary>Prometheus' text format.</summary>
internal static class BalancerMetrics
{
    public static string Of(BalancerView view, Traffic traffic)
    {
        var text = new StringBuilder();
        var pools = traffic.Backends.OrderBy(backend => backend.Key.Backend.Name, StringComparer.Ordinal).Select(backend => (Pool: backend.Key, Numbers: backend.Value)).ToList();
        Head(text, "pacer_lb_connections", "gauge", "Open connections of clients.");
        Line(text, "pacer_lb_connections", "", traffic.Open);
        Head(text, "pacer_lb_connections_total", "counter", "Connections of clients.");
        Line(text, "pacer_lb_connections_total", "", traffic.Total);
        Head(text, "pacer_lb_connections_refused_total", "counter", "Connections refused because there were too many.");
        Line(text, "pacer_lb_connections_refused_total", "", traffic.Refused);
        Head(text, "pacer_lb_contact", "gauge", "1 while there is contact with the server.");
        Line(text, "pacer_lb_contact", "", view.Trouble() is null ? 1 : 0);
        Head(text, "pacer_lb_warnings", "gauge", "Labels that are not done as they say, and other troubles.");
        Line(text, "pacer_lb_warnings", "", view.Warnings.Count);
        Head(text, "pacer_lb_requests_total", "counter", "Answers by backend and status class; connections in mode tcp count as 2xx.");
        foreach (var (pool, numbers) in pools)
        {
            for (var hundreds = 1; hundreds <= 5; hundreds++)
            {
                Line(text, "pacer_lb_requests_total", $"backend=\"{pool.Backend.Name}\",code=\"{hundreds}xx\"", numbers.Answers[hundreds]);
            }
        }
        Each(text, pools, "pacer_lb_retries_total", "counter", "Attempts after the first.", numbers => numbers.Retries);
        Each(text, pools, "pacer_lb_unserved_total", "counter", "Requests that no server answered.", numbers => numbers.Unserved);
        Each(text, pools, "pacer_lb_queue", "gauge", "Requests that wait for a server with room.", numbers => numbers.Queued);
        Each(text, pools, "pacer_lb_received_bytes_total", "counter", "Bytes from clients in mode tcp.", numbers => numbers.Received);
        Each(text, pools, "pacer_lb_sent_bytes_total", "counter", "Bytes to clients in mode tcp.", numbers => numbers.Sent);
        if (view.Haproxy is { } haproxy)
        {
            Head(text, "pacer_lb_haproxy_reloads_total", "counter", "Configurations that HAProxy loaded in place of another.");
            Line(text, "pacer_lb_haproxy_reloads_total", "", haproxy.Reloads);
        }
        else
        {
            Durations(text, pools.Select(pool => pool.Pool)); // HAProxy does not count how many took how long
        }
        PerServer(text, pools, "pacer_lb_server_up", "gauge", "1 while the server gets new requests.", server => server.Status == "UP" ? 1 : 0);
        PerServer(text, pools, "pacer_lb_server_active", "gauge", "Requests under way.", server => server.Active);
        PerServer(text, pools, "pacer_lb_server_requests_total", "counter", "Requests sent.", server => server.Total);
        PerServer(text, pools, "pacer_lb_server_connect_failures_total", "counter", "Connections that did not come about.", server => server.Failures);
        return text.ToString();
    }

    private static void Durations(StringBuilder text, IEnumerable<Pool> pools)
    {
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
    }

    private static void Each(StringBuilder text, List<(Pool Pool, BackendTraffic Numbers)> pools, string name, string type, string help, Func<BackendTraffic, double> value)
    {
        Head(text, name, type, help);
        foreach (var (pool, numbers) in pools)
        {
            Line(text, name, $"backend=\"{pool.Backend.Name}\"", value(numbers));
        }
    }

    private static void PerServer(StringBuilder text, List<(Pool Pool, BackendTraffic Numbers)> pools, string name, string type, string help, Func<ServerTraffic, double> value)
    {
        Head(text, name, type, help);
        foreach (var (pool, numbers) in pools)
        {
            foreach (var (server, load) in pool.Servers.Zip(numbers.Servers))
            {
                Line(text, name, $"backend=\"{pool.Backend.Name}\",server=\"{server.Server.Name}\"", value(load));
            }
        }
    }

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length > 0 ? "{" + labels + "}" : "").Append(CultureInfo.InvariantCulture, $" {value}\n");
}
