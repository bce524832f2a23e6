using System.Text;
using Microsoft.AspNetCore.Http;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Answers that the balancer gives itself.</summary>
internal sealed class Pages(string? errorPage)
{
    private readonly byte[]? _unavailable = errorPage is null ? null : File.ReadAllBytes(errorPage);

    public static readonly (int Status, string Text) Forbidden = (403, "This address may not be reached from yours.");

    /// <summary>What answers with 503 show.</summary>
    public string Unavailable => Encoding.UTF8.GetString(_unavailable ?? Render(NoServer));

    private static readonly (int Status, string Text) NoServer = (503, "No server is available to handle this request.");

    public Task ForbiddenAsync(HttpContext http) => WriteAsync(http, 403, Render(Forbidden));

    public Task UnauthorizedAsync(HttpContext http) => WriteAsync(http, 401, Render((401, "A name and a password are needed here.")));

    public static readonly (int Status, string Text) BadGateway = (502, "The server ended the connection without an answer.");

    public static readonly (int Status, string Text) TimedOut = (504, "The server did not answer in time.");

    public Task BadGatewayAsync(HttpContext http) => WriteAsync(http, 502, Render(BadGateway));

    public Task TimedOutAsync(HttpContext http) => WriteAsync(http, 504, Render(TimedOut));

    public Task BadRequestAsync(HttpContext http) => WriteAsync(http, 400, Render((400, "The request could not be read to its end.")));

    /// <param name="retryAfter">Seconds; 0: not said.</param>
    public Task UnavailableAsync(HttpContext http, int retryAfter = 0)
    {
        if (retryAfter > 0)
        {
            http.Response.Headers.RetryAfter = retryAfter.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        http.Response.Headers.CacheControl = "no-cache";
        return _unavailable is null
            ? WriteAsync(http, 503, Render(NoServer))
            : WriteAsync(http, 503, _unavailable);
    }

    public static Task RedirectAsync(HttpContext http, string location)
    {
        http.Response.StatusCode = StatusCodes.Status301MovedPermanently;
        http.Response.Headers.Location = location;
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public static byte[] Render((int Status, string Text) page)
    {
        var title = FormattableString.Invariant($"{page.Status} {TitleOf(page.Status)}");
        return Encoding.UTF8.GetBytes($"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{page.Text}</p></body></html>\n");
    }

    public static string TitleOf(int status) => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);

    private static Task WriteAsync(HttpContext http, int status, byte[] page)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = page.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(page).AsTask();
    }
}
