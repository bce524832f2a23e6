using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;
using Yarp.ReverseProxy.Forwarder;

namespace Pacer.Edge.Balancing.Http;

/// <summary>One request on its way to a server: what is changed in it and in its answer.</summary>
internal sealed class Forwarding(Pool pool, string? setCookie) : HttpTransformer
{
    /// <summary>Where the connection's maker finds how long it may take.</summary>
    public static readonly HttpRequestOptionsKey<TimeSpan> ConnectTimeout = new("pacer.connect-timeout");

    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public override async ValueTask TransformRequestAsync(HttpContext http, HttpRequestMessage request, string destinationPrefix, CancellationToken cancellationToken)
    {
        var settings = pool.Settings;
        await base.TransformRequestAsync(http, request, destinationPrefix, cancellationToken);
        var headers = request.Headers;
        headers.TryAddWithoutValidation("X-Forwarded-For", http.Connection.RemoteIpAddress is { } client ? Plain(client) : "unknown");
        headers.Remove("X-Forwarded-Port");
        headers.TryAddWithoutValidation("X-Forwarded-Port", (http.Features.Get<Arrival>()?.Port ?? http.Connection.LocalPort).ToString(System.Globalization.CultureInfo.InvariantCulture));
        headers.Remove("X-Forwarded-Proto");
        headers.TryAddWithoutValidation("X-Forwarded-Proto", http.Request.Scheme);
        headers.Remove("X-Forwarded-Host");
        headers.TryAddWithoutValidation("X-Forwarded-Host", http.Request.Host.Value);
        if (settings.Sticky)
        {
            RemoveStickyCookie(headers);
        }
        foreach (var rule in settings.RequestHeaders)
        {
            if (rule.Edit != HeaderEdit.Add)
            {
                headers.Remove(rule.Name);
                request.Content?.Headers.Remove(rule.Name);
            }
            if (rule.Edit != HeaderEdit.Remove)
            {
                headers.TryAddWithoutValidation(rule.Name, rule.Value);
            }
        }
        var target = http.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (settings.ProxyPassPath is { } stripped)
        {
            if (settings.Hosts.Count > 0 && !settings.Hosts[0].StartsWith('*'))
            {
                headers.Host = settings.Hosts[0];
            }
            if (target.StartsWith(stripped, StringComparison.Ordinal) && (target.Length == stripped.Length || target[stripped.Length] is '/' or '?'))
            {
                target = target[stripped.Length..];
                target = target.StartsWith('/') ? target : "/" + target;
            }
        }
        if (target.StartsWith('/'))
        {
            request.RequestUri = new Uri(destinationPrefix + target[1..], AsItIs);
        }
        request.Options.Set(ConnectTimeout, settings.ConnectTimeout);
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext http, HttpResponseMessage? answer, CancellationToken cancellationToken)
    {
        var proceeds = await base.TransformResponseAsync(http, answer, cancellationToken);
        var settings = pool.Settings;
        var headers = http.Response.Headers;
        if (answer is null)
        {
            return proceeds;
        }
        if (setCookie is not null)
        {
            headers.Append("Set-Cookie", $"{StickyCookie.Name}={setCookie}; path=/");
            headers.CacheControl = headers.CacheControl.Count > 0 ? headers.CacheControl : "private";
        }
        if (settings.ReverseProxyPath is { } root && headers.Location.ToString() is { Length: > 0 } location)
        {
            headers.Location = Rebased(location, root);
        }
        if (settings.Hsts)
        {
            headers.StrictTransportSecurity = "max-age=15768000";
        }
        foreach (var rule in settings.ResponseHeaders)
        {
            if (rule.Edit == HeaderEdit.Add)
            {
                headers.Append(rule.Name, rule.Value);
            }
            else if (rule.Edit == HeaderEdit.Set)
            {
                headers[rule.Name] = rule.Value;
            }
            else
            {
                headers.Remove(rule.Name);
            }
        }
        return proceeds;
    }

    /// <summary>Without the host, below the given path.</summary>
    private static string Rebased(string location, string root)
    {
        var path = location;
        if (Uri.TryCreate(location, UriKind.Absolute, out var absolute) && absolute.Scheme is "http" or "https")
        {
            path = absolute.PathAndQuery + absolute.Fragment;
        }
        return path.StartsWith('/') ? root + path : location;
    }

    private static string Plain(System.Net.IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    private static void RemoveStickyCookie(HttpRequestHeaders headers)
    {
        if (!headers.TryGetValues("Cookie", out var values))
        {
            return;
        }
        var kept = values.SelectMany(value => value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Where(cookie => !cookie.StartsWith(StickyCookie.Name + "=", StringComparison.Ordinal)).ToList();
        headers.Remove("Cookie");
        if (kept.Count > 0)
        {
            headers.TryAddWithoutValidation("Cookie", string.Join("; ", kept));
        }
    }
}

internal static class StickyCookie
{
    public const string Name = "mesosphere_server_id";
}
