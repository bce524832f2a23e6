using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Pacer.Edge.Balancing.Status;

/// <summary>The pages of the status listener: Marathon-LB's, and Pacer's own as JSON at <c>/pacer/lb</c>.</summary>
internal sealed class StatusApi(BalancerView view, Action refresh)
{
    public async Task HandleAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "/";
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method) && !(HttpMethods.IsPost(http.Request.Method) && path.StartsWith("/_mlb_signal/", StringComparison.Ordinal)))
        {
            await WriteAsync(http, 405, "text/plain", "Only GET is allowed here.\n");
            return;
        }
        switch (path)
        {
            case "/_haproxy_health_check":
                await WriteAsync(http, 200, "text/html", "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n");
                break;
            case "/haproxy" when http.Request.QueryString.Value is { } query && query.StartsWith("?stats", StringComparison.Ordinal):
                if (query.Contains("csv", StringComparison.Ordinal))
                {
                    await WriteAsync(http, 200, "text/plain", HaproxyStats.Csv(await view.CountAsync(http.RequestAborted)));
                }
                else
                {
                    await WriteAsync(http, 200, "text/html", StatsPage.Write(view, await view.CountAsync(http.RequestAborted)));
                }
                break;
            case "/" or "/haproxy":
                http.Response.StatusCode = 302;
                http.Response.Headers.Location = "/haproxy?stats";
                break;
            case "/_haproxy_getconfig":
                await WriteAsync(http, 200, "text/plain", HaproxyConfig.Of(view.Routes.Table, view));
                break;
            case "/_haproxy_getvhostmap":
                await WriteAsync(http, 200, "text/plain", string.Concat(view.Routes.Table.Hosts.Rules.Where(rule => rule.Path is null).Select(rule => $"{rule.Host} {rule.Backend.Name}\n")));
                break;
            case "/_haproxy_getappmap":
                await WriteAsync(http, 200, "text/plain", string.Concat(view.Routes.Table.AppIds.OrderBy(app => app.Key, StringComparer.Ordinal).Select(app => $"{app.Key} {app.Value.Name}\n")));
                break;
            case "/_haproxy_getpids":
                // The embedded data path is one process, always: routes change inside it.
                var processes = view.Haproxy is { } haproxy ? await haproxy.Process.WorkersAsync() ?? [] : [Environment.ProcessId];
                await WriteAsync(http, 200, "text/plain", string.Join(' ', processes.Select(id => id.ToString(CultureInfo.InvariantCulture))) + "\n");
                break;
            case "/_mlb_signal/hup":
                refresh();
                await WriteAsync(http, 200, "text/plain", "Sent SIGHUP signal to marathon-lb: certificates and routes are read again\n");
                break;
            case "/_mlb_signal/usr1":
                refresh();
                await WriteAsync(http, 200, "text/plain", "Sent SIGUSR1 signal to marathon-lb: there is nothing to reload, routes change without\n");
                break;
            case "/metrics":
                await WriteAsync(http, 200, "text/plain; version=0.0.4", BalancerMetrics.Of(view, await view.CountAsync(http.RequestAborted)));
                break;
            case "/pacer/lb":
                await WriteAsync(http, 200, "application/json", StatusJson.Of(view, await view.CountAsync(http.RequestAborted)));
                break;
            default:
                await WriteAsync(http, 404, "text/plain", "There is no such page. /haproxy?stats, /haproxy?stats;csv, /metrics and /pacer/lb are.\n");
                break;
        }
    }

    private static async Task WriteAsync(HttpContext http, int status, string type, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        http.Response.StatusCode = status;
        http.Response.ContentType = type.Contains("charset", StringComparison.Ordinal) ? type : type + "; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body);
        }
    }
}
