using System.Globalization;
using System.Net;

namespace Pacer.Server.Hosting;

/// <summary>An address and port to listen on, as a setting gives it.</summary>
internal sealed record ListenAddress(string Flag, IPEndPoint EndPoint)
{
    /// <summary>Accepts <c>IP:PORT</c>, <c>[IPv6]:PORT</c>, <c>localhost:PORT</c> and <c>*:PORT</c>. Throws <see cref="ServerStartException"/>.</summary>
    public static ListenAddress Parse(string flag, string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon >= 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port <= IPEndPoint.MaxPort)
        {
            var host = text[..colon];
            var address = host switch
            {
                "localhost" => IPAddress.Loopback,
                "*" or "" => IPAddress.Any,
                _ => IPAddress.TryParse(host, out var parsed) && (host.StartsWith('[') || !host.Contains(':')) ? parsed : null,
            };
            if (address is not null)
            {
                return new ListenAddress(flag, new IPEndPoint(address, port));
            }
        }
        throw new ServerStartException($"{flag} {text} is not an address to listen on. Give ADDRESS:PORT, as in 127.0.0.1:8080 or 0.0.0.0:8080.");
    }

    /// <summary>How others reach it: the machine's name where it listens on all addresses.</summary>
    public static string Advertise(IPEndPoint endPoint) =>
        endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any)
            ? string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{endPoint.Port}")
            : endPoint.ToString();
}
