using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pacer.Core.Cluster;
using Pacer.Server.Agents;
using Pacer.Server.Api;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Launching;
using Pacer.Server.Events;
using Pacer.Server.Hosting;
using Pacer.Server.Loop;
using Pacer.Server.Secrets;
using Pacer.Server.Storage;

namespace Pacer.Server;

/// <summary>A running control plane: its store, its loop and its listeners.</summary>
public sealed class ServerHost : IAsyncDisposable
{
    private const string SocketName = "agent.sock";

    // Of struct sockaddr_un, less the closing zero.
    private const int MaxSocketPath = 107;

    private readonly WebApplication _app;
    private readonly SqliteStateStore _store;
    private readonly ClusterLoop _loop;
    private readonly EventHub _events;
    private int _stopped;

    private ServerHost(WebApplication app, SqliteStateStore store, ClusterLoop loop, EventHub events, string agentSocketPath)
    {
        _app = app;
        _store = store;
        _loop = loop;
        _events = events;
        AgentSocketPath = agentSocketPath;
    }

    /// <summary>Where the REST API listens, as <c>IP:PORT</c> with the port it really got.</summary>
    public string HttpAddress { get; private set; } = "";

    /// <summary>Where agents of other machines dial, as <c>IP:PORT</c>; null when only the socket is open.</summary>
    public string? AgentAddress { get; private set; }

    /// <summary>Unix socket for agents of this machine.</summary>
    public string AgentSocketPath { get; }

    internal ClusterLoop Loop => _loop;

    /// <summary>
    /// Opens the store, rebuilds the state and listens. Throws <see cref="ServerStartException"/> (settings, ports) and
    /// <see cref="StoreOpenException"/> (data directory); both messages are fit for users.
    /// </summary>
    public static Task<ServerHost> StartAsync(ServerOptions options, CancellationToken cancellationToken) =>
        StartAsync(options, TimeProvider.System, cancellationToken);

    internal static async Task<ServerHost> StartAsync(ServerOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var http = ListenAddress.Parse("--http", options.Http);
        var agents = options.AgentListen is { Length: > 0 } listen ? ListenAddress.Parse("--agent-listen", listen) : null;
        var level = LogLevels.Parse(options.LogLevel);
        var dataDir = Path.GetFullPath(options.DataDir);
        var socket = Path.Combine(dataDir, SocketName);
        if (System.Text.Encoding.UTF8.GetByteCount(socket) > MaxSocketPath)
        {
            throw new ServerStartException($"The path {socket} is too long for a Unix socket ({MaxSocketPath} bytes at most). Choose a shorter --data-dir.");
        }

        var store = SqliteStateStore.Open(dataDir);
        ServerHost? host = null;
        try
        {
            var state = store.Load().Rebuild();
            File.Delete(socket);
            host = Build(options, http, agents, socket, level, store, state, time);
            host._loop.Start();
            await host._loop.PostAsync(new Input.ServerStarted(), cancellationToken);
            await host.ListenAsync(http, agents, cancellationToken);
            return host;
        }
        catch
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
            else
            {
                store.Dispose();
            }
            throw;
        }
    }

    /// <summary>Every route that is served.</summary>
    internal IReadOnlyList<Endpoint> Endpoints => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <summary>Completes when the server has stopped.</summary>
    public Task WaitForStopAsync() => _app.WaitForShutdownAsync();

    /// <summary>Closes the listeners, handles what was accepted, closes the store. Containers go on running.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        await _app.StopAsync(cancellationToken);
        await _loop.StopAsync();
        await _events.DisposeAsync();
        await _app.DisposeAsync();
        _store.Dispose();
        File.Delete(AgentSocketPath);
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private static ServerHost Build(
        ServerOptions options, ListenAddress http, ListenAddress? agents, string socket, LogLevel level, SqliteStateStore store, ClusterState state,
        TimeProvider time)
    {
        // The empty builder reads no files of the current directory and no variables: all settings are in the options.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.SetMinimumLevel(level);
        if (level > LogLevel.Debug)
        {
            builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning);
        }
        // What keeps the server from starting is thrown, in words for users.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
        });
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(hosting => hosting.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Bodies are measured where they are read. Kestrel's own limit is higher, so that a client that sends too much is
            // heard to the end and gets the answer instead of a cut connection.
            kestrel.Limits.MaxRequestBodySize = 8L * Api.Json.RequestBody.MaxBytes;
            // Readers that pause (a terminal on hold) are no attackers.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Listen(http.EndPoint, listener => listener.Protocols = HttpProtocols.Http1);
            kestrel.ListenUnixSocket(socket, listener => listener.Protocols = HttpProtocols.Http2);
            if (agents is not null)
            {
                kestrel.Listen(agents.EndPoint, listener => listener.Protocols = HttpProtocols.Http2);
            }
        });

        var services = builder.Services;
        services.AddSingleton(time);
        services.AddSingleton(new ServerIdentity(store.ClusterId, options));
        services.AddSingleton(new AgentLinkSettings { ClusterId = store.ClusterId, JoinToken = options.JoinToken });
        services.AddSingleton<EventHub>();
        services.AddSingleton<AgentDirectory>();
        services.AddSingleton<AgentSessions>();
        services.AddSingleton<IAgentSessions>(provider => provider.GetRequiredService<AgentSessions>());
        services.AddSingleton<AgentLinkService>();
        var rules = new AppRules();
        var secrets = new SecretStore(
            SecretKey.Open(options.SecretsKeyFile ?? Path.Combine(options.DataDir, SecretKey.FileName), options.SecretsKey), options.SecretsDir);
        services.AddSingleton(rules);
        services.AddSingleton(secrets);
        services.AddSingleton<LaunchBuilder>((launch, state) => TaskSpecBuilder.Build(
            launch.RunSpec, launch.Instance, rules, source => secrets.Read(state, launch.RunSpec.Id, source)));
        services.AddSingleton(provider => new ClusterLoop(
            state, store, provider.GetRequiredService<AgentDirectory>(), provider.GetRequiredService<EventHub>(), Orchestrator.Step,
            new ClusterSettings { AgentTimeout = options.AgentTimeout }, time, provider.GetRequiredService<ILogger<ClusterLoop>>()));
        services.AddSingleton<IClusterLoop>(provider => provider.GetRequiredService<ClusterLoop>());

        var app = builder.Build();
        var loop = app.Services.GetRequiredService<ClusterLoop>();
        app.Services.GetRequiredService<AgentDirectory>().Use(loop);
        RequestPipeline.Use(app, app.Services.GetRequiredService<ServerIdentity>());
        app.UseWebSockets();
        app.MapGrpcService<AgentLinkService>();
        ApiRoutes.Map(app);
        return new ServerHost(app, store, loop, app.Services.GetRequiredService<EventHub>(), socket);
    }

    private async Task ListenAsync(ListenAddress http, ListenAddress? agents, CancellationToken cancellationToken)
    {
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw Explain(e, http, agents);
        }
        File.SetUnixFileMode(AgentSocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var bound = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Where(address => !address.Contains("unix:", StringComparison.Ordinal))
            .Select(address => IPEndPoint.Parse(address[(address.IndexOf("//", StringComparison.Ordinal) + 2)..].TrimEnd('/')))
            .ToList();
        // In the order in which they were asked for.
        HttpAddress = bound[0].ToString();
        AgentAddress = agents is null ? null : bound[1].ToString();
        _app.Services.GetRequiredService<ServerIdentity>().Leader = ListenAddress.Advertise(bound[0]);
    }

    private static ServerStartException Explain(Exception e, ListenAddress http, ListenAddress? agents)
    {
        var code = (e as SocketException ?? e.InnerException as SocketException ?? e.InnerException?.InnerException as SocketException)?.SocketErrorCode;
        var inUse = code == SocketError.AddressAlreadyInUse || e.InnerException is AddressInUseException;
        // Kestrel names the address; with one address asked for there is no doubt anyway.
        var listen = agents is not null && e.Message.Contains(agents.EndPoint.ToString(), StringComparison.Ordinal) ? agents : http;
        var reason = inUse ? "another process listens there already"
            : code == SocketError.AddressNotAvailable ? "this machine has no such address"
            : code == SocketError.AccessDenied ? "ports below 1024 are for root"
            : "the system refused it";
        return new ServerStartException($"{listen.Flag} {listen.EndPoint} can't be used: {reason}. Choose another address with {listen.Flag} ADDRESS:PORT.", e);
    }
}
