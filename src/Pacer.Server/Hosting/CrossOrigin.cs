using Microsoft.AspNetCore.Http;

namespace Pacer.Server.Hosting;

/// <summary>
/// Lets pages of other origins read the API, as Marathon's <c>--access_control_allow_origin</c>: reads only, so that a page can't change a
/// cluster with the network position of whoever looks at it.
/// </summary>
internal sealed class CrossOrigin(IReadOnlyList<string> origins)
{
    private const string Methods = "GET, HEAD, OPTIONS";
    private const string Exposed = "ETag, Marathon-Deployment-Id, X-Marathon-Leader, X-Pacer-Index, X-Pacer-Warning";

    private readonly bool _any = origins.Contains("*");

    /// <summary>Sets the headers that the browser looks for, where the request's origin is one of those allowed.</summary>
    public void Allow(HttpContext http)
    {
        if (origins.Count == 0)
        {
            return;
        }
        var headers = http.Response.Headers;
        string? origin = http.Request.Headers.Origin;
        if (!_any)
        {
            headers.Append("Vary", "Origin");
        }
        if (!_any && (origin is null || !origins.Contains(origin)))
        {
            return;
        }
        headers.AccessControlAllowOrigin = _any ? "*" : origin;
        headers.AccessControlExposeHeaders = Exposed;
        headers.AccessControlAllowMethods = Methods;
        headers.AccessControlMaxAge = "86400";
        if (http.Request.Headers.AccessControlRequestHeaders is { Count: > 0 } wanted)
        {
            headers.AccessControlAllowHeaders = wanted;
        }
    }
}
