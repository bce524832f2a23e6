using System.Threading.Channels;

namespace Pacer.Server.Events;

/// <summary>One reader of the event stream. Falling too far behind ends it; it never holds up anybody else.</summary>
internal sealed class EventSubscription : IDisposable
{
    private readonly EventHub _hub;
    private readonly IReadOnlySet<string> _types;
    private readonly Channel<EventFrame> _frames;
    private readonly CancellationTokenSource _overflowed = new();

    internal EventSubscription(EventHub hub, IReadOnlySet<string> types, int maxOutstanding)
    {
        _hub = hub;
        _types = types;
        _frames = Channel.CreateBounded<EventFrame>(new BoundedChannelOptions(maxOutstanding) { SingleReader = true });
    }

    /// <summary>Ends when the reader is too slow or the hub stops.</summary>
    public ChannelReader<EventFrame> Frames => _frames.Reader;

    /// <summary>Cancelled when the reader left too much unread: it must be cut off.</summary>
    public CancellationToken Overflowed => _overflowed.Token;

    internal void Offer(EventFrame frame)
    {
        if (frame.Id != 0 && _types.Count > 0 && !_types.Contains(frame.Type))
        {
            return;
        }
        if (!_frames.Writer.TryWrite(frame))
        {
            Close();
            // Not on this thread: whoever is cut off must not hold up the others.
            _ = _overflowed.CancelAsync();
        }
    }

    internal void Close()
    {
        _frames.Writer.TryComplete();
        _hub.Remove(this);
    }

    public void Dispose() => Close();
}
