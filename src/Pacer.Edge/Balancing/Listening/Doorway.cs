using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Pacer.Edge.Balancing.Listening;

/// <summary>One way that connections are spoken to: an endpoint of the HTTP server that does not listen but is handed connections.</summary>
internal sealed class Door(string name) : EndPoint, IConnectionListener
{
    private readonly Channel<ConnectionContext> _connections = Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint => this;

    public void HandOver(ConnectionContext connection)
    {
        if (!_connections.Writer.TryWrite(connection))
        {
            connection.Abort();
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _connections.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _connections.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    public override string ToString() => name;
}

/// <summary>
/// Lets the HTTP server take connections from <see cref="Door"/>s. The balancer accepts them itself, because its ports come and go with
/// the services, and one port may change between HTTP and TCP.
/// </summary>
internal sealed class Doorway : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>HTTP/1.</summary>
    public Door Plain { get; } = new("plain");

    /// <summary>HTTP/2 without TLS.</summary>
    public Door Http2 { get; } = new("http2");

    public Door Tls { get; } = new("tls");

    /// <summary>Mode tcp behind TLS.</summary>
    public Door RawTls { get; } = new("raw-tls");

    public bool CanBind(EndPoint endpoint) => endpoint is Door;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new((Door)endpoint);
}
