using System.Globalization;
using System.Net;
using System.Text;

namespace Pacer.Edge.Balancing.Status;

/// <summary>The statistics as a page for people.</summary>
internal static class StatsPage
{
    private const string Style =
        "body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#222;background:#fff}table{border-collapse:collapse;margin:.3em 0 1.2em}th,td{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
        + "th:first-child,td:first-child,td:last-child{text-align:left}h2{font-size:1.1em;margin:0}.UP{color:#197a2f}.DOWN{color:#b3261e}.MAINT,.NOLB{color:#8a6100}.w{background:#fff4d6;padding:.4em .8em;margin:.2em 0}"
        + "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#333}.w{background:#3a3010}.UP{color:#6fd08c}.DOWN{color:#ff8a80}.MAINT,.NOLB{color:#e0b040}}";

    public static string Write(BalancerView view, Traffic traffic)
    {
        var text = new StringBuilder($"<!doctype html><html><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\"><title>Statistics</title><style>{Style}</style></head><body><h1>Load balancer</h1>");
        text.Append(CultureInfo.InvariantCulture, $"<p>Up since {view.StartedAt:yyyy-MM-dd HH:mm:ss} UTC; {traffic.Open} connections now, {traffic.Total} in all, {traffic.Refused} refused.</p>");
        if (view.Trouble() is { } trouble)
        {
            text.Append($"<p class=\"w\">No contact with the server ({Html(trouble)}); what was known last is in force.</p>");
        }
        foreach (var warning in view.Warnings)
        {
            text.Append($"<p class=\"w\">{Html(warning.ServiceId)} {Html(warning.Text)}</p>");
        }
        foreach (var (pool, numbers) in traffic.Backends.OrderBy(backend => backend.Key.Backend.Name, StringComparer.Ordinal))
        {
            var settings = pool.Settings;
            var places = string.Join(", ", settings.Hosts.SelectMany(host => settings.Paths.Count > 0 ? settings.Paths.Select(path => host + path) : [host]).Concat(pool.Backend.Listens ? [$":{settings.ListenPort}"] : []));
            text.Append(CultureInfo.InvariantCulture, $"<h2>{Html(pool.Backend.Name)}</h2><div>{Html(places)} · {(settings.Mode == Labels.ServiceMode.Http ? "http" : "tcp")} · {numbers.Queued} waiting · {numbers.Retries} retries · {numbers.Unserved} not served · 2xx {numbers.Answers[2]} · 3xx {numbers.Answers[3]} · 4xx {numbers.Answers[4]} · 5xx {numbers.Answers[5]}</div>");
            text.Append("<table><tr><th>server</th><th>now</th><th>total</th><th>not connected</th><th>weight</th><th>status</th><th></th></tr>");
            foreach (var (server, load) in pool.Servers.Zip(numbers.Servers))
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{Html(server.Server.Name)}</td><td>{load.Active}</td><td>{load.Total}</td><td>{load.Failures}</td><td>{server.Server.Weight}</td><td class=\"{load.Status}\">{load.Status}</td><td>{Html(load.Reason ?? "")}</td></tr>");
            }
            text.Append("</table>");
        }
        return text.Append("</body></html>\n").ToString();
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
