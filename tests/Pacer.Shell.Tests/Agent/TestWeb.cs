using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Pacer.Shell.Tests.Agent;

/// <summary>A web server on loopback with files to fetch and pages to check.</summary>
internal sealed class TestWeb : IAsyncDisposable
{
    private readonly WebApplication _app;
    public int Requests;
    public int HealthStatus = 200;

    private TestWeb(WebApplication app) => _app = app;

    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public string Url { get; private set; } = "";

    public int Port => new Uri(Url).Port;

    public static async Task<TestWeb> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        var app = builder.Build();
        var web = new TestWeb(app);
        app.Run(web.AnswerAsync);
        await app.StartAsync();
        web.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return web;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref Requests);
        var path = context.Request.Path.Value!;
        if (path == "/never")
        {
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else if (path == "/health")
        {
            context.Response.StatusCode = HealthStatus;
        }
        else if (path.StartsWith("/moved/", StringComparison.Ordinal))
        {
            context.Response.Redirect(path["/moved".Length..]);
        }
        else if (Files.TryGetValue(path, out var content))
        {
            await context.Response.Body.WriteAsync(content);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
