using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Status;
using Yarp.ReverseProxy.Forwarder;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Serves every HTTP request: finds its backend, does what the labels ask for, forwards it to a server.</summary>
internal sealed class HttpFront(LiveRoutes routes, IHttpForwarder forwarder, ServerClients clients, Pages pages, AccessLog? log, TimeProvider time)
{
    private const string AppIdHeader = "X-Marathon-App-Id";
    private const int MaintenanceRetryAfter = 60;

    private readonly BasicAuthentication _authentication = new();

    /// <summary>Where browsers are sent that should use TLS.</summary>
    public int HttpsPort { get; set; } = 443;

    public async Task HandleAsync(HttpContext http, Arrival arrival)
    {
        var started = time.GetTimestamp();
        var pool = Find(http, arrival);
        PoolServer? server = null;
        if (pool is null || HttpMethods.IsConnect(http.Request.Method) && http.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true })
        {
            await pages.UnavailableAsync(http);
        }
        else if (!await AnswerAsync(http, arrival, pool))
        {
            server = await ForwardAsync(http, arrival, pool);
        }
        var took = time.GetElapsedTime(started);
        pool?.State.Answered(http.Response.StatusCode, took);
        log?.Write(http, arrival, pool, server, took);
    }

    private Pool? Find(HttpContext http, Arrival arrival)
    {
        var current = routes.Current;
        switch (arrival.Purpose.Kind)
        {
            case ListenerKind.Service:
                return current.Pools.GetValueOrDefault(arrival.Purpose.BackendKey!);
            case ListenerKind.AppId:
                var id = http.Request.Headers[AppIdHeader].ToString();
                return (current.Table.AppIds.GetValueOrDefault(id) ?? current.Table.AppIds.GetValueOrDefault("/" + id)) is { } app ? current.ByBackend[app] : null;
            default:
                return current.Table.Hosts.Find(http.Request.Host.Value, http.Request.Path.Value ?? "/") is { } rule ? current.ByBackend[rule.Backend] : null;
        }
    }

    /// <summary>What needs no server; false when the request has to be forwarded.</summary>
    private async ValueTask<bool> AnswerAsync(HttpContext http, Arrival arrival, Pool pool)
    {
        var settings = pool.Settings;
        if (!Access.IsAllowed(settings, http.Connection.RemoteIpAddress))
        {
            await pages.ForbiddenAsync(http);
            return true;
        }
        if (settings.RedirectToHttps && arrival.Purpose.Kind == ListenerKind.Http)
        {
            var host = HostRouter.WithoutPort(http.Request.Host.Value).ToString();
            var port = HttpsPort == 443 ? "" : string.Create(CultureInfo.InvariantCulture, $":{HttpsPort}");
            await Pages.RedirectAsync(http, $"https://{host}{port}{TargetOf(http)}");
            return true;
        }
        if (settings.Auth is { } auth && !_authentication.Admits(http, auth))
        {
            await pages.UnauthorizedAsync(http);
            return true;
        }
        if (settings.Maintenance)
        {
            await pages.UnavailableAsync(http, MaintenanceRetryAfter);
            return true;
        }
        if (http.Request.Path.Value is null or "/" or "" && settings.RootRedirect is { } start)
        {
            await Pages.RedirectAsync(http, start);
            return true;
        }
        return false;
    }

    /// <returns>The server that answered; null when none did.</returns>
    private async Task<PoolServer?> ForwardAsync(HttpContext http, Arrival arrival, Pool pool)
    {
        var key = LiveRoutes.KeyOf(pool.Backend);
        List<PoolServer>? tried = null;
        for (var attempt = 0; ; attempt++)
        {
            var settings = pool.Settings;
            var cookie = settings.Sticky ? http.Request.Cookies[StickyCookie.Name] : null;
            var chosen = pool.Choose(KeyFor(http, settings.Balance), cookie, tried, out var full);
            if (chosen is null && full && await WaitAsync(http, pool))
            {
                attempt--;
            }
            else if (chosen is null)
            {
                if (http.RequestAborted.IsCancellationRequested)
                {
                    return null;
                }
                // A server may come back, or a new one up, while its client waits a moment.
                if (!full && attempt < settings.Retries && pool.Servers.Count > 0)
                {
                    await PauseAsync(http, attempt);
                }
                else
                {
                    pool.State.NotServed();
                    await pages.UnavailableAsync(http);
                    return null;
                }
            }
            else if (await TryAsync(http, arrival, pool, chosen, cookie, attempt) is var outcome && outcome != Outcome.Again)
            {
                return outcome == Outcome.Answered ? chosen : null;
            }
            else
            {
                pool.State.Retried();
                if (tried?.Contains(chosen) == true || pool.Servers.Count == 1)
                {
                    await PauseAsync(http, attempt);
                }
                (tried ??= []).Add(chosen);
            }
            // The next attempt sees the routes of its moment.
            pool = routes.Current.Pools.GetValueOrDefault(key) ?? pool;
        }
    }

    private enum Outcome
    {
        Answered,
        NotAnswered,
        Again,
    }

    private async Task<Outcome> TryAsync(HttpContext http, Arrival arrival, Pool pool, PoolServer chosen, string? cookie, int attempt)
    {
        var settings = pool.Settings;
        var tunnel = IsTunnel(http, out var grpc);
        if (tunnel)
        {
            chosen.Load.Track(http, http.Abort);
        }
        ForwarderError error;
        try
        {
            var forwarding = new Forwarding(pool, settings.Sticky && cookie != chosen.Server.Cookie ? chosen.Server.Cookie : null);
            var scheme = settings.ServerProtocol == ServerProtocol.Https ? "https" : "http";
            error = await forwarder.SendAsync(http, $"{scheme}://{chosen.Server.Address}/", clients.For(settings), grpc ? pool.Grpc : tunnel ? pool.Tunnel : pool.Plain, forwarding, http.RequestAborted);
        }
        finally
        {
            if (tunnel)
            {
                chosen.Load.Untrack(http);
            }
            pool.Leave(chosen);
        }
        if (error == ForwarderError.None)
        {
            chosen.Load.Succeeded();
            return Outcome.Answered;
        }
        var exception = http.Features.Get<IForwarderErrorFeature>()?.Exception;
        var notConnected = IsDialFailure(exception);
        if (notConnected)
        {
            chosen.Load.Failed(time.GetUtcNow());
        }
        if (http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
        {
            return Outcome.Answered; // as far as it got; the client sees that it was cut
        }
        var mayRepeat = notConnected || (error is ForwarderError.Request && IsRepeatable(http) && exception is HttpRequestException);
        http.Response.Clear();
        if (mayRepeat && attempt < settings.Retries)
        {
            return Outcome.Again;
        }
        pool.State.NotServed();
        await (error switch
        {
            _ when notConnected => pages.UnavailableAsync(http),
            ForwarderError.RequestTimedOut => pages.TimedOutAsync(http),
            ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled => pages.BadRequestAsync(http),
            _ => pages.BadGatewayAsync(http),
        });
        return Outcome.NotAnswered;
    }

    private async Task<bool> WaitAsync(HttpContext http, Pool pool)
    {
        try
        {
            return await pool.State.WaitAsync(pool.Settings.QueueTimeout, time, http.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task PauseAsync(HttpContext http, int attempt)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100 << Math.Min(attempt, 5)), time, http.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client left; the next look at it says so.
        }
    }

    private static bool IsTunnel(HttpContext http, out bool grpc)
    {
        grpc = http.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true && !HttpProtocol.IsHttp11(http.Request.Protocol);
        return grpc || http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } || http.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true }
            || http.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Doing it twice is as good as once, and it has nothing to say that would be lost.</summary>
    private static bool IsRepeatable(HttpContext http) =>
        (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) || HttpMethods.IsOptions(http.Request.Method))
        && http.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true };

    private static bool IsDialFailure(Exception? exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is DialException)
            {
                return true;
            }
        }
        return false;
    }

    private static string TargetOf(HttpContext http) => http.Features.Get<IHttpRequestFeature>()!.RawTarget is { Length: > 0 } target && target[0] == '/' ? target : "/";

    private static string KeyFor(HttpContext http, Balance balance) => balance.Algorithm switch
    {
        BalanceAlgorithm.Source => http.Connection.RemoteIpAddress?.ToString() ?? "",
        BalanceAlgorithm.Uri => http.Request.Path.Value ?? "",
        BalanceAlgorithm.UrlParameter => http.Request.Query[balance.Parameter!].ToString(),
        BalanceAlgorithm.Header => http.Request.Headers[balance.Parameter!].ToString(),
        _ => "",
    };
}
