namespace Pacer.Edge.Balancing.Listening;

internal enum ListenerKind
{
    /// <summary>Virtual hosts.</summary>
    Http,
    Https,

    /// <summary>The app's id is in a header.</summary>
    AppId,

    /// <summary>One port of one service.</summary>
    Service,

    /// <summary>Statistics and metrics.</summary>
    Status,
}

/// <summary>What a listener is for.</summary>
/// <param name="BackendKey">With <see cref="ListenerKind.Service"/>.</param>
internal sealed record Purpose(ListenerKind Kind, string? BackendKey = null)
{
    public bool AcceptProxy { get; init; }

    /// <summary>Mode tcp.</summary>
    public bool Raw { get; init; }

    /// <summary>Certificate files; empty: the store's, where there is TLS.</summary>
    public IReadOnlyList<string> Certificates { get; init; } = [];

    public bool Tls => Kind == ListenerKind.Https || Certificates.Count > 0;

    public bool Equals(Purpose? other) => other is not null && Kind == other.Kind && BackendKey == other.BackendKey && AcceptProxy == other.AcceptProxy && Raw == other.Raw
        && Certificates.SequenceEqual(other.Certificates);

    public override int GetHashCode() => HashCode.Combine(Kind, BackendKey);
}

/// <summary>Where a connection came in; every HTTP request on it carries this as a feature.</summary>
internal sealed record Arrival(Purpose Purpose, int Port);
