using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Pacer.Edge.Balancing.Routes;

/// <summary>Marathon-LB's names of servers and backends, which dashboards and scripts know.</summary>
internal static class ServerNames
{
    public static string OfBackend(string serviceId, int port) => string.Create(CultureInfo.InvariantCulture, $"{serviceId.TrimStart('/').Replace('/', '_')}_{port}");

    private const int MostKept = 200_000;

    // The same servers are in every table; their names are made once.
    private static readonly ConcurrentDictionary<(string Host, IPEndPoint Address), (string Name, string Cookie)> Kept = new();
    private static readonly ConcurrentDictionary<string, int> Numbers = new(StringComparer.Ordinal);

    public static (string Name, string Cookie) Of(string host, IPEndPoint address)
    {
        if (Kept.Count > MostKept)
        {
            Kept.Clear();
            Numbers.Clear();
        }
        return Kept.GetOrAdd((host, address), static place => OfServer(place.Host, place.Address) is var name ? (name, Cookie(name)) : default);
    }

    public static string OfServer(string host, IPEndPoint address)
    {
        var ip = address.Address.ToString();
        var place = string.Create(CultureInfo.InvariantCulture, $"{ip}_{address.Port}");
        var name = host == ip ? place : $"{host}_{place}";
        return string.Create(name.Length, name, (span, text) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsAsciiLetterOrDigit(text[i]) || text[i] == '-' ? text[i] : '_';
            }
        });
    }

    /// <summary>The first 10 hexadecimal digits of the name's SHA-1.</summary>
    // A name for a cookie, no protection: SHA-1 is what Marathon-LB takes.
#pragma warning disable CA5350
    public static string Cookie(string name) => Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 5));
#pragma warning restore CA5350

    /// <summary>SHA-256 of the name modulo 32767; when that is taken, of the name and a number.</summary>
    public static int Number(string name, ISet<int> taken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var text = attempt == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}{attempt}");
            var number = Numbers.GetOrAdd(text, static text => Modulo(SHA256.HashData(Encoding.UTF8.GetBytes(text)), 32767));
            if ((number != 0 && taken.Add(number)) || attempt > 40_000)
            {
                return number;
            }
        }
    }

    private static int Modulo(ReadOnlySpan<byte> number, uint divisor)
    {
        ulong rest = 0;
        for (var i = 0; i < number.Length; i += 4)
        {
            rest = ((rest << 32) | BinaryPrimitives.ReadUInt32BigEndian(number[i..])) % divisor;
        }
        return (int)rest;
    }
}
