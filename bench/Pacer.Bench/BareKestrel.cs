using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Pacer.Bench;

/// <summary>The limit for reads: a process that does nothing but write as many bytes as it is asked for, from memory, through Kestrel.</summary>
internal sealed class BareKestrel : IAsyncDisposable
{
    public const string Argument = "bare-kestrel";

    private readonly Process _process;

    private BareKestrel(Process process, HttpClient http)
    {
        _process = process;
        Http = http;
    }

    public HttpClient Http { get; }

    /// <param name="prefix">A command that runs another, to start it with.</param>
    /// <param name="address">Where it listens; null: on the loopback.</param>
    public static async Task<BareKestrel> StartAsync(IReadOnlyList<string>? prefix = null, string? address = null)
    {
        string[] command = [.. prefix ?? [], Environment.ProcessPath!, Argument, address ?? "127.0.0.1"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        var url = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the bare Kestrel did not start");
        return new BareKestrel(process, new HttpClient { BaseAddress = new Uri(url) });
    }

    /// <summary>Runs in the child process until it is killed.</summary>
    public static async Task ServeAsync(string address)
    {
        var bodies = new Dictionary<int, byte[]>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Parse(address), 0, listen => listen.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        app.Run(async http =>
        {
            var size = int.Parse(http.Request.Path.Value.AsSpan(1), CultureInfo.InvariantCulture);
            byte[]? body;
            lock (bodies)
            {
                if (!bodies.TryGetValue(size, out body))
                {
                    bodies.Add(size, body = new byte[size]);
                }
            }
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = size;
            await http.Response.Body.WriteAsync(body);
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        await Task.Delay(Timeout.Infinite);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
