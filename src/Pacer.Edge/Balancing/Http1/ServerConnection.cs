using System.Net.Sockets;

namespace Pacer.Edge.Balancing.Http1;

/// <summary>A connection to a server that takes one request after the other.</summary>
internal sealed class ServerConnection(Socket socket) : IDisposable
{
    public Socket Socket => socket;

    /// <summary>It has answered a request before; the server may be closing it by now.</summary>
    public bool IsUsed { get; set; }

    public long IdleSinceMs { get; set; }

    /// <summary>Nothing has come since the last answer, and it is not closed.</summary>
    public bool IsQuiet()
    {
        try
        {
            return !socket.Poll(0, SelectMode.SelectRead);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();
}

/// <summary>Connections to one server that wait for their next request, the warmest first.</summary>
internal sealed class IdleConnections
{
    /// <summary>Shorter than servers keep theirs (5 s is the shortest in common use), so that hardly a request meets one that is just being closed.</summary>
    private const long KeptMs = 3_000;

    private const int Most = 256;

    private readonly Stack<ServerConnection> _idle = new();
    private bool _keeps = true;

    public int Count
    {
        get
        {
            lock (_idle)
            {
                return _idle.Count;
            }
        }
    }

    public ServerConnection? Take(long nowMs)
    {
        lock (_idle)
        {
            return _idle.TryPeek(out var warmest) && nowMs - warmest.IdleSinceMs < KeptMs ? _idle.Pop() : null;
        }
    }

    public void Put(ServerConnection connection, long nowMs)
    {
        connection.IdleSinceMs = nowMs;
        lock (_idle)
        {
            if (_keeps && _idle.Count < Most)
            {
                _idle.Push(connection);
                return;
            }
        }
        connection.Dispose();
    }

    /// <summary>Closes those that have waited for too long.</summary>
    public void Sweep(long nowMs)
    {
        lock (_idle)
        {
            if (_idle.Count == 0)
            {
                return;
            }
            var kept = _idle.Where(connection => nowMs - connection.IdleSinceMs < KeptMs).Reverse().ToList();
            foreach (var old in _idle.Where(connection => nowMs - connection.IdleSinceMs >= KeptMs))
            {
                old.Dispose();
            }
            _idle.Clear();
            kept.ForEach(_idle.Push);
        }
    }

    /// <summary>Whether connections are kept from now on; when not, those that wait are closed.</summary>
    public void Keep(bool keeps)
    {
        lock (_idle)
        {
            _keeps = keeps;
            if (keeps)
            {
                return;
            }
            foreach (var connection in _idle)
            {
                connection.Dispose();
            }
            _idle.Clear();
        }
    }
}
