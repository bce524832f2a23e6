using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pacer.Edge.Dns.Zones;

namespace Pacer.Edge.Dns.Http;

/// <summary>Mesos-DNS' HTTP API: names as JSON, at <c>/v1</c> and, as on DC/OS, at <c>/mesos_dns/v1</c>.</summary>
internal sealed class MesosDnsApi : IAsyncDisposable
{
    private const string Proxied = "/mesos_dns";
    private readonly WebApplication _app;

    private MesosDnsApi(WebApplication app, IPEndPoint localEndPoint)
    {
        _app = app;
        LocalEndPoint = localEndPoint;
    }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Throws <see cref="IOException"/> when the address can't be had.</summary>
    public static async Task<MesosDnsApi> StartAsync(IPEndPoint listen, DnsZones zones, DnsOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(listen);
        });
        var app = builder.Build();
        var bodies = new MesosDnsBodies(zones, options);
        app.Run(http => AnswerAsync(http, bodies));
        try
        {
            await app.StartAsync();
        }
        catch (SocketException e)
        {
            await app.DisposeAsync();
            throw new IOException(e.Message, e);
        }
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new MesosDnsApi(app, IPEndPoint.Parse(address[(address.IndexOf("//", StringComparison.Ordinal) + 2)..].TrimEnd('/')));
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static async Task AnswerAsync(HttpContext http, MesosDnsBodies bodies)
    {
        var path = http.Request.Path.Value ?? "";
        if (path.StartsWith(Proxied + "/", StringComparison.Ordinal))
        {
            path = path[Proxied.Length..];
        }
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            await RefuseAsync(http, 405, "Only GET is allowed here.");
            return;
        }
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        Action<Utf8JsonWriter>? body = parts switch
        {
            ["v1", "version"] => bodies.Version,
            ["v1", "config"] => bodies.Config,
            ["v1", "hosts", var host] => json => bodies.Hosts(json, host),
            ["v1", "services", var service] => json => bodies.Services(json, service),
            ["v1", "enumerate"] => bodies.Enumerate,
            ["v1", "axfr"] => bodies.Transfer,
            _ => null,
        };
        if (body is null)
        {
            await (parts is ["v1", "hosts", _, "ports"]
                ? RefuseAsync(http, 501, "Ports of a host are not implemented; /v1/services/_NAME._tcp.marathon.mesos has a service's.")
                : RefuseAsync(http, 404, "There is no such route. Routes are /v1/version, /v1/config, /v1/hosts/HOST, /v1/services/SERVICE, /v1/enumerate and /v1/axfr."));
            return;
        }
        var buffer = new ArrayBufferWriter<byte>(1024);
        await using (var json = new Utf8JsonWriter(buffer))
        {
            body(json);
        }
        await WriteAsync(http, 200, buffer.WrittenMemory);
    }

    private static Task RefuseAsync(HttpContext http, int status, string message)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("message", message);
            json.WriteEndObject();
        }
        return WriteAsync(http, status, buffer.WrittenMemory);
    }

    private static async Task WriteAsync(HttpContext http, int status, ReadOnlyMemory<byte> body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.Headers.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }

    // The role that runs the DNS server listens to signals, not this.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
