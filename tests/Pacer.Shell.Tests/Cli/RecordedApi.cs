using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Pacer.Shell.Tests.Cli;

/// <summary>
/// A real HTTP server that gives prepared answers and keeps what was asked. For what a running cluster can't be made to say
/// at will: the end-to-end tests use the real one.
/// </summary>
internal sealed class RecordedApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Queue<Answer>> _answers = new();
    private readonly CancellationTokenSource _closing = new();

    public RecordedApi()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(HandleAsync);
    }

    internal sealed record Answer(int Status, string Body, (string Name, string Value)[] Headers);

    public ConcurrentQueue<(string Call, string Body)> Calls { get; } = new();

    /// <summary>Lines sent on <c>/v2/events</c> as soon as somebody listens after the first change.</summary>
    public string Events { get; set; } = "";

    public string Url { get; private set; } = "";

    public static async Task<RecordedApi> StartAsync()
    {
        var api = new RecordedApi();
        await api._app.StartAsync();
        api.Url = api._app.Urls.First();
        return api;
    }

    /// <summary>Answers in turn; the last one stays.</summary>
    public RecordedApi On(string call, int status, string body, params (string Name, string Value)[] headers)
    {
        _answers.GetOrAdd(call, _ => new Queue<Answer>()).Enqueue(new Answer(status, body, headers));
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var call = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}";
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        if (context.Request.Path == "/v2/events")
        {
            await SendEventsAsync(context);
            return;
        }
        Calls.Enqueue((call, body));
        var answer = new Answer((int)HttpStatusCode.NotFound, $$"""{"message":"no answer prepared for {{call}}"}""", []);
        if (_answers.TryGetValue(call, out var queue))
        {
            lock (queue)
            {
                answer = queue.Count > 1 ? queue.Dequeue() : queue.Peek();
            }
        }
        context.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers.Append(name, value);
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.Body, context.RequestAborted);
    }

    private async Task SendEventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream;charset=utf-8";
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _closing.Token);
        try
        {
            await context.Response.Body.FlushAsync(ended.Token);
            while (!Calls.Any(call => !call.Call.StartsWith("GET", StringComparison.Ordinal)))
            {
                await Task.Delay(5, ended.Token);
            }
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(Events), ended.Token);
            await context.Response.Body.FlushAsync(ended.Token);
            await Task.Delay(Timeout.Infinite, ended.Token);
        }
        catch (OperationCanceledException)
        {
            // The listener left, or the test is over.
        }
    }
}
