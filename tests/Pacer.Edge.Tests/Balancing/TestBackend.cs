using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>An HTTP server on the loopback that says what it was asked.</summary>
internal sealed class TestBackend : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _active;

    private TestBackend(WebApplication app, string name)
    {
        _app = app;
        Name = name;
    }

    public string Name { get; }

    public int Port { get; private set; }

    /// <summary>Most requests it had at one time.</summary>
    public int MostAtOnce { get; private set; }

    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<TestBackend> StartAsync(string name, HttpProtocols protocols = HttpProtocols.Http1, int port = 0)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocols));
        var app = builder.Build();
        var backend = new TestBackend(app, name);
        app.UseWebSockets();
        app.Run(backend.AnswerAsync);
        await app.StartAsync();
        backend.Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        return backend;
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(1)).Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var active = Interlocked.Increment(ref _active);
        MostAtOnce = Math.Max(MostAtOnce, active);
        try
        {
            var target = http.Features.Get<IHttpRequestFeature>()!.RawTarget;
            Requests.Enqueue($"{http.Request.Method} {target}");
            http.Response.Headers["X-Backend"] = Name;
            switch (http.Request.Path.Value!.Split('/')[^1])
            {
                case "ws":
                    await EchoAsync(http);
                    break;
                case "events":
                    await EventsAsync(http);
                    break;
                case "grpc":
                    await TrailersAsync(http);
                    break;
                case "slow":
                    await Task.Delay(int.Parse(http.Request.QueryString.Value![1..], System.Globalization.CultureInfo.InvariantCulture), http.RequestAborted);
                    await http.Response.WriteAsync(Name);
                    break;
                case "abort":
                    http.Abort();
                    break;
                case "cut":
                    http.Response.ContentLength = 1000;
                    await http.Response.WriteAsync("the beginning");
                    await http.Response.Body.FlushAsync();
                    await Task.Delay(200); // an abort may overtake what was sent
                    http.Abort();
                    break;
                case "bytes":
                    await http.Response.Body.WriteAsync(new byte[int.Parse(http.Request.QueryString.Value![1..], System.Globalization.CultureInfo.InvariantCulture)]);
                    break;
                case "moved":
                    http.Response.StatusCode = 302;
                    http.Response.Headers.Location = "http://internal:1234/to/here?x=1";
                    break;
                default:
                    await ReportAsync(http, target);
                    break;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _active);
        }
    }

    private static async Task ReportAsync(HttpContext http, string target)
    {
        var text = new StringBuilder($"{http.Request.Method} {target} {http.Request.Protocol}\n");
        foreach (var (name, values) in http.Request.Headers.OrderBy(header => header.Key, StringComparer.Ordinal))
        {
            text.Append($"{name.ToLowerInvariant()}: {values}\n");
        }
        using var reader = new StreamReader(http.Request.Body);
        text.Append($"\n{await reader.ReadToEndAsync()}");
        await http.Response.WriteAsync(text.ToString());
    }

    private static async Task EchoAsync(HttpContext http)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, http.RequestAborted);
            if (received.CloseStatus is { } status)
            {
                await socket.CloseAsync(status, null, http.RequestAborted);
                return;
            }
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, http.RequestAborted);
        }
    }

    private static async Task EventsAsync(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        for (var i = 0; !http.RequestAborted.IsCancellationRequested; i++)
        {
            await http.Response.WriteAsync($"data: {i}\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(50, http.RequestAborted);
        }
    }

    private static async Task TrailersAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.DeclareTrailer("grpc-status");
        var buffer = new byte[1024];
        int count;
        while ((count = await http.Request.Body.ReadAsync(buffer)) > 0) // answers while it still reads
        {
            await http.Response.Body.WriteAsync(buffer.AsMemory(0, count));
            await http.Response.Body.FlushAsync();
        }
        http.Response.AppendTrailer("grpc-status", "0");
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
