using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Tls;

/// <summary>Which certificate a TLS connection is answered with: by the listener's purpose and the name that the client asks for.</summary>
internal sealed class TlsChoice(CertificateStore certificates, LiveRoutes routes)
{
    public SslServerAuthenticationOptions Options(BaseConnectionContext connection, string? name, bool http)
    {
        var purpose = connection.Features.Get<Arrival>()?.Purpose;
        // On the shared listener a virtual host may bring a certificate of its own.
        var files = purpose is { Certificates.Count: > 0 } ? purpose.Certificates
            : name is not null && !certificates.Covers(name) ? routes.Current.Table.Hosts.Find(name, "/")?.Backend.Settings.Certificates ?? [] : [];
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = files.Count > 0 ? certificates.For(files, name) : certificates.For(name),
            ApplicationProtocols = http ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : null,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
    }
}
