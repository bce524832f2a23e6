using System.Text;
using Microsoft.AspNetCore.Http;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Answers that the balancer gives itself.</summary>
internal sealed class Pages(string? errorPage)
{
    private readonly byte[]? _unavailable = errorPage is null ? null : File.ReadAllBytes(errorPage);

    public Task ForbiddenAsync(HttpContext http) => WriteAsync(http, 403, "403 Forbidden", "This address may not be reached from yours.");

    public Task UnauthorizedAsync(HttpContext http) => WriteAsync(http, 401, "401 Unauthorized", "A name and a password are needed here.");

    public Task BadGatewayAsync(HttpContext http) => WriteAsync(http, 502, "502 Bad Gateway", "The server ended the connection without an answer.");

    public Task TimedOutAsync(HttpContext http) => WriteAsync(http, 504, "504 Gateway Timeout", "The server did not answer in time.");

    public Task BadRequestAsync(HttpContext http) => WriteAsync(http, 400, "400 Bad Request", "The request could not be read to its end.");

    /// <param name="retryAfter">Seconds; 0: not said.</param>
    public Task UnavailableAsync(HttpContext http, int retryAfter = 0)
    {
        if (retryAfter > 0)
        {
            http.Response.Headers.RetryAfter = retryAfter.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        http.Response.Headers.CacheControl = "no-cache";
        return _unavailable is null
            ? WriteAsync(http, 503, "503 Service Unavailable", "No server is available to handle this request.")
            : WriteAsync(http, 503, _unavailable);
    }

    public static Task RedirectAsync(HttpContext http, string location)
    {
        http.Response.StatusCode = StatusCodes.Status301MovedPermanently;
        http.Response.Headers.Location = location;
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    private static Task WriteAsync(HttpContext http, int status, string title, string text) =>
        WriteAsync(http, status, Encoding.UTF8.GetBytes($"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"));

    private static Task WriteAsync(HttpContext http, int status, byte[] page)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = page.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(page).AsTask();
    }
}
