using System.Text;

namespace Pacer.Edge.Balancing.Http1;

internal enum FieldKind
{
    Other,
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Accept,
    Date,
    ForwardedFor,

    /// <summary>The balancer says these itself.</summary>
    Forwarded,

    /// <summary>Concerns one connection only.</summary>
    Hop,

    /// <summary>Asks for more than an answer.</summary>
    Unusual,
}

/// <summary>The header fields that a balancer has to know.</summary>
internal static class FieldNames
{
    public static FieldKind KindOf(ReadOnlySpan<byte> name) => (name.Length, name[0] | 0x20) switch
    {
        (4, 'h') when Same(name, "host"u8) => FieldKind.Host,
        (14, 'c') when Same(name, "content-length"u8) => FieldKind.ContentLength,
        (17, 't') when Same(name, "transfer-encoding"u8) => FieldKind.TransferEncoding,
        (10, 'c') when Same(name, "connection"u8) => FieldKind.Connection,
        (6, 'a') when Same(name, "accept"u8) => FieldKind.Accept,
        (4, 'd') when Same(name, "date"u8) => FieldKind.Date,
        (15, 'x') when Same(name, "x-forwarded-for"u8) => FieldKind.ForwardedFor,
        (16, 'x') when Same(name, "x-forwarded-port"u8) || Same(name, "x-forwarded-host"u8) => FieldKind.Forwarded,
        (17, 'x') when Same(name, "x-forwarded-proto"u8) => FieldKind.Forwarded,
        (10, 'k') when Same(name, "keep-alive"u8) => FieldKind.Hop,
        (16, 'p') when Same(name, "proxy-connection"u8) => FieldKind.Hop,
        (7, 'u') when Same(name, "upgrade"u8) => FieldKind.Hop,
        (2, 't') when Same(name, "te"u8) => FieldKind.Hop,
        (6, 'e') when Same(name, "expect"u8) => FieldKind.Unusual,
        (7, 't') when Same(name, "trailer"u8) => FieldKind.Unusual,
        (14, 'h') when Same(name, "http2-settings"u8) => FieldKind.Unusual,
        _ => FieldKind.Other,
    };

    /// <param name="lower">Lower case.</param>
    public static bool Same(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower) => Ascii.EqualsIgnoreCase(text, lower);
}
