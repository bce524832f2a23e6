using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Metrics;

/// <summary>Requests of the REST API: how many, how long, how large. Streams are counted by their bytes; their length says nothing.</summary>
internal sealed class RequestMetrics(TimeProvider time)
{
    private static readonly string[] Timed = ["GET", "POST", "PUT", "DELETE"];

    private readonly ConcurrentDictionary<RouteKey, DurationHistogram> _routes = new();
    private long _active;
    private long _requestBytes;
    private long _responseBytes;
    private long _gzippedBytes;
    private long _eventBytes;

    public CallTimer All { get; } = new(time);

    /// <summary>GET, POST, PUT, DELETE.</summary>
    public IReadOnlyList<(string Method, CallTimer Timer)> ByMethod { get; } = [.. Timed.Select(method => (method, new CallTimer(time)))];

    /// <summary>Answers by the first digit of their status, 1 to 5.</summary>
    public IReadOnlyList<Rate> ByClass { get; } = [.. Enumerable.Range(1, 5).Select(_ => new Rate(time))];

    public long Active => Volatile.Read(ref _active);

    public long RequestBytes => Volatile.Read(ref _requestBytes);

    public long ResponseBytes => Volatile.Read(ref _responseBytes);

    public long GzippedBytes => Volatile.Read(ref _gzippedBytes);

    public long EventStreamBytes => Volatile.Read(ref _eventBytes);

    public IEnumerable<KeyValuePair<RouteKey, DurationHistogram>> Routes => _routes;

    public async Task MeasureAsync(HttpContext http, RequestDelegate handler)
    {
        var started = time.GetTimestamp();
        var size = new AnswerSize();
        http.Features.Set(size);
        Interlocked.Increment(ref _active);
        try
        {
            await handler(http);
        }
        finally
        {
            Interlocked.Decrement(ref _active);
            Record(http, size, time.GetElapsedTime(started));
        }
    }

    private void Record(HttpContext http, AnswerSize size, TimeSpan took)
    {
        var (request, response) = (http.Request, http.Response);
        if (request.ContentLength is { } received)
        {
            Interlocked.Add(ref _requestBytes, received);
        }
        var isEvents = response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;
        var sent = size.Bytes > 0 ? size.Bytes : HttpMethods.IsHead(request.Method) ? 0 : response.ContentLength ?? 0;
        Interlocked.Add(ref isEvents ? ref _eventBytes : ref _responseBytes, sent);
        if (response.Headers.ContentEncoding.Count > 0)
        {
            Interlocked.Add(ref _gzippedBytes, sent);
        }
        if (response.StatusCode / 100 is >= 1 and <= 5 and var digit)
        {
            ByClass[digit - 1].Mark();
        }
        if (isEvents || response.StatusCode == StatusCodes.Status101SwitchingProtocols
            || (request.QueryString.HasValue && request.Query.ContainsKey(LongPoll.WaitName)))
        {
            return;
        }
        All.Record(took);
        foreach (var (method, timer) in ByMethod)
        {
            if (method == request.Method)
            {
                timer.Record(took);
            }
        }
        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none";
        _routes.GetOrAdd(new RouteKey(MethodName(request.Method), route, response.StatusCode), static _ => new DurationHistogram()).Record(took);
    }

    // Anything can be written there; only so many series may come of it.
    private static string MethodName(string method) =>
        method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" ? method : "other";

    internal readonly record struct RouteKey(string Method, string Route, int Status);
}
