using System.Net;
using System.Net.Sockets;
using Pacer.Agent.Networks;

namespace Pacer.Agent.Vips;

/// <summary>
/// Virtual IPs by processes' means, where the kernel can't: this process listens on their addresses and passes on what comes. As root the
/// addresses are made the machine's own first; without root only such can be had that it has already, those of 127.0.0.0/8 among them.
/// </summary>
/// <param name="report">Gets what can't be had, in words; null when all is well again.</param>
internal sealed class ProxyVips(NetworkTools tools, NetworkNaming naming, TimeProvider time, Action<string?> report) : IVipPath
{
    private readonly Dictionary<VipKey, IVipProxy> _proxies = [];
    private readonly HashSet<string> _routes = [];
    private VipPlan _plan = VipPlan.Empty;

    public async Task ApplyAsync(VipPlan plan)
    {
        _plan = plan;
        await RouteAsync(plan).ConfigureAwait(false);
        foreach (var (key, proxy) in _proxies.Where(entry => !plan.Targets.ContainsKey(entry.Key)).ToList())
        {
            _proxies.Remove(key);
            proxy.Dispose();
        }
        string? trouble = null;
        foreach (var (key, targets) in plan.Targets)
        {
            if (_proxies.TryGetValue(key, out var proxy))
            {
                proxy.Targets = targets;
                continue;
            }
            try
            {
                _proxies[key] = key.Protocol == "udp" ? new UdpVipProxy(key, targets, time) : new TcpVipProxy(key, targets);
            }
            catch (SocketException e)
            {
                trouble ??= $"{key}: " + e.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => "another process listens there",
                    SocketError.AccessDenied => "ports below 1024 are for root",
                    _ => "this machine can't have the address without root",
                };
            }
        }
        report(trouble);
    }

    public Task CheckAsync() => ApplyAsync(_plan);

    public async Task RemoveAsync()
    {
        foreach (var proxy in _proxies.Values)
        {
            proxy.Dispose();
        }
        _proxies.Clear();
        _plan = VipPlan.Empty;
        await RouteAsync(VipPlan.Empty).ConfigureAwait(false);
    }

    /// <summary>With the process the connections end anyway.</summary>
    public async ValueTask DisposeAsync() => await RemoveAsync().ConfigureAwait(false);

    private async Task RouteAsync(VipPlan plan)
    {
        if (Containers.Native.Libc.GetUid() != 0)
        {
            return;
        }
        var wanted = plan.Routes;
        foreach (var (verb, route) in wanted.Where(_routes.Add).ToList().Select(route => ("add", route))
            .Concat(_routes.Where(route => !wanted.Contains(route)).ToList().Select(route => ("del", route))))
        {
            if (verb == "del")
            {
                _routes.Remove(route);
            }
            try
            {
                await tools.RunAsync("ip", [
                    route.Contains(':', StringComparison.Ordinal) ? "-6" : "-4", "route", verb, "local", route, "dev", "lo", "table", "local",
                    "metric", naming.RouteMetric.ToString(System.Globalization.CultureInfo.InvariantCulture)]).ConfigureAwait(false);
            }
            catch (IOException)
            {
                // No iproute2: listening says which addresses can't be had.
                return;
            }
        }
    }
}

/// <summary>Listens on one virtual IP.</summary>
internal interface IVipProxy : IDisposable
{
    /// <summary>Replaced whole; new connections go by the latest.</summary>
    VipTargets Targets { get; set; }
}

/// <summary>Passes TCP connections on.</summary>
internal sealed class TcpVipProxy : IVipProxy
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    private readonly Socket _listener;
    private uint _turn;
    private volatile VipTargets _targets;

    /// <exception cref="SocketException">The address can't be had.</exception>
    public TcpVipProxy(VipKey key, VipTargets targets)
    {
        _targets = targets;
        _listener = new Socket(key.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(new IPEndPoint(key.Address, key.Port));
            _listener.Listen(512);
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
        _ = AcceptAsync();
    }

    public VipTargets Targets
    {
        get => _targets;
        set => _targets = value;
    }

    /// <summary>Accepts no more; connections that exist go on.</summary>
    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = PassAsync(await _listener.AcceptAsync().ConfigureAwait(false));
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted or SocketError.InvalidArgument })
            {
                return;
            }
            catch (SocketException)
            {
                // That client has gone, or there are no descriptors left for a moment.
                await Task.Delay(10).ConfigureAwait(false);
            }
        }
    }

    private async Task PassAsync(Socket client)
    {
        using var near = client;
        try
        {
            if (await ConnectAsync().ConfigureAwait(false) is not { } far)
            {
                near.LingerState = new LingerOption(true, 0); // a reset, as from a port where nobody listens
                return;
            }
            using (far)
            {
                near.NoDelay = far.NoDelay = true;
                await Task.WhenAll(CopyAsync(near, far), CopyAsync(far, near)).ConfigureAwait(false);
            }
        }
        catch (SocketException)
        {
            // One side has gone; the other hears of it by the end of its connection.
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        var serving = _targets.Serving;
        for (var attempt = 0; attempt < serving.Length; attempt++)
        {
            var place = serving[(int)(Interlocked.Increment(ref _turn) % (uint)serving.Length)];
            var socket = new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var patience = new CancellationTokenSource(ConnectPatience);
            try
            {
                await socket.ConnectAsync(place, patience.Token).ConfigureAwait(false);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }
        }
        return null;
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer).ConfigureAwait(false)) > 0)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent)).ConfigureAwait(false);
                }
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}

/// <summary>Passes UDP packets on: each client has a socket of its own towards its backend for as long as packets come.</summary>
internal sealed class UdpVipProxy : IVipProxy
{
    private const int MostFlows = 16_384;
    private const int LargestPacket = 65_535;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, Flow> _flows = [];
    private readonly ITimer _sweep;
    private uint _turn;
    private VipTargets _targets;

    /// <exception cref="SocketException">The address can't be had.</exception>
    public UdpVipProxy(VipKey key, VipTargets targets, TimeProvider time)
    {
        _targets = targets;
        _time = time;
        _socket = new Socket(key.Address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.Bind(new IPEndPoint(key.Address, key.Port));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        _sweep = time.CreateTimer(_ => Sweep(), null, Idle / 4, Idle / 4);
        _ = ReceiveAsync();
    }

    public VipTargets Targets
    {
        get => _targets;
        set
        {
            lock (_gate)
            {
                _targets = value;
                // Those of backends that are gone; who is only being ended keeps its own.
                End(flow => !value.Alive.Contains(flow.Backend));
            }
        }
    }

    public void Dispose()
    {
        _sweep.Dispose();
        _socket.Dispose();
        lock (_gate)
        {
            End(_ => true);
        }
    }

    private void Sweep()
    {
        lock (_gate)
        {
            End(flow => _time.GetElapsedTime(flow.LastPacket) > Idle);
        }
    }

    private void End(Func<Flow, bool> which)
    {
        foreach (var (client, flow) in _flows.Where(entry => which(entry.Value)).ToList())
        {
            _flows.Remove(client);
            flow.Socket.Dispose();
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[LargestPacket];
        var anybody = new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            try
            {
                var packet = await _socket.ReceiveFromAsync(buffer, anybody).ConfigureAwait(false);
                if (FlowOf((IPEndPoint)packet.RemoteEndPoint) is { } flow)
                {
                    await flow.Socket.SendAsync(buffer.AsMemory(0, packet.ReceivedBytes)).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                if (IsClosed())
                {
                    return;
                }
            }
            catch (SocketException)
            {
                // The backend does not listen; UDP promises nothing.
            }
        }
    }

    private bool IsClosed()
    {
        try
        {
            return !_socket.IsBound;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private Flow? FlowOf(IPEndPoint client)
    {
        lock (_gate)
        {
            if (_flows.TryGetValue(client, out var flow))
            {
                flow.LastPacket = _time.GetTimestamp();
                return flow;
            }
            var serving = _targets.Serving;
            if (serving.Length == 0 || _flows.Count >= MostFlows)
            {
                return null;
            }
            var backend = serving[(int)(_turn++ % (uint)serving.Length)];
            var socket = new Socket(backend.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(backend);
            _flows[client] = flow = new Flow(socket, backend) { LastPacket = _time.GetTimestamp() };
            _ = AnswerAsync(flow, client);
            return flow;
        }
    }

    private async Task AnswerAsync(Flow flow, IPEndPoint client)
    {
        var buffer = new byte[LargestPacket];
        while (true)
        {
            try
            {
                var size = await flow.Socket.ReceiveAsync(buffer).ConfigureAwait(false);
                flow.LastPacket = _time.GetTimestamp();
                await _socket.SendToAsync(buffer.AsMemory(0, size), client).ConfigureAwait(false);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException)
            {
                // Refused just now; the client may try again.
            }
        }
    }

    private sealed class Flow(Socket socket, IPEndPoint backend)
    {
        public Socket Socket { get; } = socket;

        public IPEndPoint Backend { get; } = backend;

        public long LastPacket { get; set; }
    }
}
