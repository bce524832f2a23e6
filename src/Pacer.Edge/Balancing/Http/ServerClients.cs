using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Connections to servers, kept for the next request for a short while.</summary>
internal sealed class ServerClients : IDisposable
{
    // Shorter than servers keep theirs (5 s is the shortest in common use), so that hardly a request meets one that is just being closed.
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(3);

    private readonly HttpMessageInvoker _verifying = Create(true);
    private readonly HttpMessageInvoker _trusting = Create(false);

    public HttpMessageInvoker For(PortSettings settings) => settings.VerifyServers ? _verifying : _trusting;

    public void Dispose()
    {
        _verifying.Dispose();
        _trusting.Dispose();
    }

    private static HttpMessageInvoker Create(bool verify) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = null,
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        PooledConnectionIdleTimeout = Kept,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        MaxResponseHeadersLength = 256,
        ConnectCallback = ConnectAsync,
        SslOptions = new SslClientAuthenticationOptions
        {
            // Servers are reached by address, which certificates seldom name.
            RemoteCertificateValidationCallback = (_, _, _, errors) => !verify || (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None,
        },
    });

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var longest = context.InitialRequestMessage.Options.TryGetValue(Forwarding.ConnectTimeout, out var given) ? given : TimeSpan.FromSeconds(3);
        var socket = await Dialer.DialAsync(new IPEndPoint(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port), longest, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
