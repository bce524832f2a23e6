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
using Microsoft.Extensions.Options;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Agents;
using Pacer.Server.Api;
using Pacer.Server.Api.About;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Launching;
using Pacer.Server.Endpoints;
using Pacer.Server.Events;
using Pacer.Server.Hosting;
using Pacer.Server.Loop;
using Pacer.Server.Recording;
using Pacer.Server.Metrics;
using Pacer.Server.Secrets;
using Pacer.Server.Storage;

namespace Pacer.Server;

/// <summary>A running control plane: its store, its loop and its listeners.</summary>
public sealed partial class ServerHost : IAsyncDisposable
{
    private const string SocketName = "agent.sock";

    // Of struct sockaddr_un, less the closing zero.
    private const int MaxSocketPath = 107;

    // Between a request to abdicate and the end: the answer must reach whoever asked.
    private static readonly TimeSpan AbdicationDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _changing = new(1);
    private readonly TimeProvider _time;
    private ServerOptions _options;
    private WebApplication _app;
    private SqliteStateStore _store;
    private ClusterLoop _loop;
    private EventHub _events;
    private InboxRecorder? _recorder;
    private bool _isOpen = true;
    private volatile bool _stopping;

    private ServerHost(
        WebApplication app, SqliteStateStore store, ClusterLoop loop, EventHub events, string agentSocketPath, ServerOptions options, TimeProvider time)
    {
        _app = app;
        _store = store;
        _loop = loop;
        _events = events;
        _options = options;
        _time = time;
        AgentSocketPath = agentSocketPath;
    }

    /// <summary>Where the REST API listens, as <c>IP:PORT</c> with the port it really got.</summary>
    public string HttpAddress { get; private set; } = "";

    /// <summary>Where agents of other machines dial, as <c>IP:PORT</c>; null when only the socket is open.</summary>
    public string? AgentAddress { get; private set; }

    /// <summary>Unix socket for agents of this machine.</summary>
    public string AgentSocketPath { get; }

    /// <summary>Hash of the state that the recording ends with; null while the server runs, or when it records nothing.</summary>
    public string? RecordedStateHash => _recorder?.FinalHash;

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

    /// <summary>Closes the listeners, handles what was accepted, closes the store. Containers go on running.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        await _changing.WaitAsync(CancellationToken.None);
        try
        {
            await CloseAsync(cancellationToken);
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (!_isOpen)
        {
            return;
        }
        _isOpen = false;
        await _app.StopAsync(cancellationToken);
        await _loop.StopAsync();
        _recorder?.Dispose();
        await _events.DisposeAsync();
        await _app.DisposeAsync();
        _store.Dispose();
        File.Delete(AgentSocketPath);
    }

    /// <summary>
    /// Gives up the lead: ends everything but the process, makes the backup, restores, and takes the lead again, as nobody else could.
    /// </summary>
    private async Task AbdicateAsync(Abdication.Wish wish)
    {
        await Task.Delay(AbdicationDelay, _time);
        await _changing.WaitAsync();
        try
        {
            if (_stopping)
            {
                return;
            }
            await CloseAsync(CancellationToken.None);
            var failure = wish.CarryOut(Path.GetFullPath(_options.DataDir));
            // The address is known to others by now.
            _options = _options with { Http = HttpAddress, AgentListen = AgentAddress ?? _options.AgentListen };
            while (!_stopping)
            {
                try
                {
                    var next = await StartAsync(_options, _time, CancellationToken.None);
                    (_app, _store, _loop, _events, _recorder, _isOpen) = (next._app, next._store, next._loop, next._events, next._recorder, true);
                    _app.Services.GetRequiredService<Abdication>().Use(AbdicateAsync);
                    break;
                }
                catch (Exception e) when (e is ServerStartException or StoreOpenException)
                {
                    failure ??= e.Message;
                    await Task.Delay(RetryInterval, _time);
                }
            }
            if (_isOpen && failure is not null)
            {
                LogAbdicationFailed(_app.Services.GetRequiredService<ILogger<ServerHost>>(), failure);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "After giving up the lead: {Failure}")]
    private static partial void LogAbdicationFailed(ILogger logger, string failure);

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
        var logSwitch = new LogSwitch(level, time);
        builder.Logging.AddProvider(logSwitch);
        builder.Services.AddSingleton(logSwitch);
        builder.Services.AddSingleton<IConfigureOptions<LoggerFilterOptions>>(logSwitch);
        builder.Services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(logSwitch);
        builder.Services.Configure<HostOptions>(hosting => hosting.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddRoutingCore();
        // Or paths of two words would be taken for calls of services that there are not, whatever the method.
        builder.Services.AddGrpc(grpc => grpc.IgnoreUnknownServices = true);
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
        services.AddSingleton(new ServerIdentity(store.ClusterId, options, time.GetUtcNow()));
        services.AddSingleton<Abdication>();
        services.AddSingleton<RequestMetrics>();
        services.AddSingleton<LoopMetrics>();
        services.AddSingleton(new AgentLinkSettings { ClusterId = store.ClusterId, JoinToken = options.JoinToken });
        services.AddSingleton<EventHub>();
        services.AddSingleton<AgentDirectory>();
        services.AddSingleton<AgentSessions>();
        services.AddSingleton<IAgentSessions>(provider => provider.GetRequiredService<AgentSessions>());
        services.AddSingleton<AgentLinkService>();
        var rules = new AppRules { EnforceRoleOfNewGroups = options.NewGroupEnforceRole, LabelWarnings = options.LabelWarnings };
        var secrets = new SecretStore(
            SecretKey.Open(options.SecretsKeyFile ?? Path.Combine(options.DataDir, SecretKey.FileName), options.SecretsKey), options.SecretsDir);
        services.AddSingleton(rules);
        services.AddSingleton(secrets);
        services.AddSingleton<LaunchBuilder>((launch, state) => TaskSpecBuilder.Build(
            launch.RunSpec, launch.Instance, rules, source => secrets.Read(state, launch.RunSpec.Id, source)));
        var settings = new ClusterSettings
        {
            AgentTimeout = options.AgentTimeout,
            HoldsUnhealthyKills = options.HoldsUnhealthyKills,
            PlacementScore = options.Placement == "pack" ? PlacementScore.Pack : PlacementScore.Spread,
            GpuScheduling = options.GpuScheduling == "unrestricted" ? GpuScheduling.Unrestricted : GpuScheduling.Restricted,
            DefaultAcceptedRoles = options.AcceptedRolesDefault switch
            {
                "unreserved" => DefaultAcceptedRoles.Unreserved,
                "reserved" => DefaultAcceptedRoles.Reserved,
                _ => DefaultAcceptedRoles.Any,
            },
            HomeRegion = options.HomeRegion,
        };
        services.AddSingleton(settings);
        InboxRecorder? recorder = null;
        services.AddSingleton(provider => new EndpointFeed(state, time, provider.GetRequiredService<ILogger<EndpointFeed>>()));
        services.AddSingleton(provider => new ClusterLoop(
            state, recorder ?? (IStateStore)store, provider.GetRequiredService<AgentDirectory>(), provider.GetRequiredService<EventHub>(),
            recorder is null ? Orchestrator.Step : recorder.Step, settings, time, provider.GetRequiredService<ILogger<ClusterLoop>>(),
            provider.GetRequiredService<LoopMetrics>()));
        services.AddSingleton<IClusterLoop>(provider => provider.GetRequiredService<ClusterLoop>());

        var app = builder.Build();
        if (options.Record is { } recording)
        {
            recorder = InboxRecorder.Begin(recording, store, state, settings, app.Services.GetRequiredService<ILogger<InboxRecorder>>());
        }
        var loop = app.Services.GetRequiredService<ClusterLoop>();
        app.Services.GetRequiredService<AgentDirectory>().Use(loop);
        loop.Committed = app.Services.GetRequiredService<EndpointFeed>().Committed;
        RequestPipeline.Use(app, app.Services.GetRequiredService<ServerIdentity>());
        app.UseWebSockets();
        app.MapGrpcService<AgentLinkService>();
        ApiRoutes.Map(app);
        var host = new ServerHost(app, store, loop, app.Services.GetRequiredService<EventHub>(), socket, options, time) { _recorder = recorder };
        app.Services.GetRequiredService<Abdication>().Use(host.AbdicateAsync);
        return host;
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
        var identity = _app.Services.GetRequiredService<ServerIdentity>();
        identity.Leader = ListenAddress.Advertise(bound[0]);
        _app.Services.GetRequiredService<EndpointFeed>().Describe(ClusterDescription.Of(identity.ClusterId, bound[0], _options.VipRange));
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
