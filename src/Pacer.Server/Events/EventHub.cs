using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;

namespace Pacer.Server.Events;

/// <summary>
/// Hands every event to every reader: turned into bytes once, by one task of its own, so that neither the loop nor a fast
/// reader waits for a slow one. The newest events are kept for readers who come back.
/// </summary>
internal sealed partial class EventHub : IEventSink, IAsyncDisposable
{
    public const int MaxOutstanding = 1024;
    public const int Kept = 4096;
    public const string MissedType = "event_stream_missed";
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private readonly ILogger<EventHub> _log;
    private readonly string _epoch;
    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ITimer _heartbeat;
    private readonly Task _running;

    // Used by the hub's own task alone.
    private readonly Queue<EventFrame> _ring = new(Kept);
    private readonly ArrayBufferWriter<byte> _json = new(512);
    private readonly ArrayBufferWriter<byte> _frame = new(512);
    private long _lastId;

    private ImmutableArray<EventSubscription> _readers = [];

    public EventHub(TimeProvider time, ILogger<EventHub> log)
    {
        _time = time;
        _log = log;
        // Ids of another process must not be mistaken for ours.
        _epoch = time.GetUtcNow().ToUnixTimeMilliseconds().ToString("x", CultureInfo.InvariantCulture);
        _running = RunAsync();
        _heartbeat = time.CreateTimer(_ => _queue.Writer.TryWrite(new Work.Beat()), null, HeartbeatInterval, HeartbeatInterval);
    }

    private abstract record Work
    {
        public sealed record Cluster(ClusterEvent Event) : Work;

        public sealed record Rendered(string Type, byte[] Json) : Work;

        public sealed record Attach(EventSubscription Reader, string? After) : Work;

        public sealed record Beat : Work;
    }

    public int Readers => _readers.Length;

    /// <summary>Events made so far.</summary>
    public long Published => Volatile.Read(ref _lastId);

    public void Publish(ClusterEvent clusterEvent) => _queue.Writer.TryWrite(new Work.Cluster(clusterEvent));

    /// <summary>Tells that a user posted or put a definition. <paramref name="appDefinitionJson"/> is one JSON object.</summary>
    public void PublishApiPost(string clientIp, string uri, ReadOnlyMemory<byte> appDefinitionJson) => Render("api_post_event", json =>
    {
        json.WriteString("clientIp"u8, clientIp);
        json.WriteString("uri"u8, uri);
        json.WritePropertyName("appDefinition"u8);
        json.WriteRawValue(appDefinitionJson.Span);
    });

    /// <summary>Tells that a request created, updated or deleted a pod.</summary>
    public void PublishPodChange(string eventType, string clientIp, string uri) => Render(eventType, json =>
    {
        json.WriteString("clientIp"u8, clientIp);
        json.WriteString("uri"u8, uri);
    });

    public void PublishAttached(string remoteAddress) =>
        Render("event_stream_attached", json => json.WriteString("remoteAddress"u8, remoteAddress));

    public void PublishDetached(string remoteAddress) =>
        Render("event_stream_detached", json => json.WriteString("remoteAddress"u8, remoteAddress));

    /// <summary>
    /// A new reader of these types (none: all), beginning after the event with this id; without one, with what comes next. When events
    /// after that id are no longer kept, it is told so first, by an <c>event_stream_missed</c> whatever its types.
    /// </summary>
    public EventSubscription Subscribe(IReadOnlySet<string> types, string? lastEventId)
    {
        // Room for a full replay on top of what a live reader may leave unread.
        var reader = new EventSubscription(this, types, lastEventId is null ? MaxOutstanding : MaxOutstanding + Kept);
        _queue.Writer.TryWrite(new Work.Attach(reader, lastEventId));
        return reader;
    }

    public async ValueTask DisposeAsync()
    {
        await _heartbeat.DisposeAsync();
        _queue.Writer.TryComplete();
        await _running;
    }

    internal void Remove(EventSubscription reader) => ImmutableInterlocked.Update(ref _readers, static (readers, gone) => readers.Remove(gone), reader);

    private void Render(string type, Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteString("eventType"u8, type);
            json.WriteString("timestamp"u8, Timestamp.From(_time.GetUtcNow()).ToString());
            json.WriteEndObject();
        }
        _queue.Writer.TryWrite(new Work.Rendered(type, buffer.ToArray()));
    }

    private async Task RunAsync()
    {
        await foreach (var work in _queue.Reader.ReadAllAsync())
        {
            try
            {
                Do(work);
            }
            catch (Exception e)
            {
                LogEventFailed(e);
            }
        }
        foreach (var reader in _readers)
        {
            reader.Close();
        }
    }

    private void Do(Work work)
    {
        switch (work)
        {
            case Work.Cluster { Event: var clusterEvent }:
                _json.ResetWrittenCount();
                var type = EventJson.Write(_json, clusterEvent);
                Spread(type, _json.WrittenSpan);
                break;
            case Work.Rendered rendered:
                Spread(rendered.Type, rendered.Json);
                break;
            case Work.Attach attach:
                Attach(attach.Reader, attach.After);
                break;
            case Work.Beat:
                foreach (var reader in _readers)
                {
                    reader.Offer(EventFrame.Heartbeat);
                }
                break;
        }
    }

    private void Spread(string type, ReadOnlySpan<byte> json)
    {
        var id = ++_lastId;
        _frame.ResetWrittenCount();
        Encoding.UTF8.GetBytes($"id: {_epoch}-{id}\r\nevent: {type}\r\ndata: ", _frame);
        _frame.Write(json);
        _frame.Write("\r\n\r\n"u8);
        var frame = new EventFrame(id, type, _frame.WrittenSpan.ToArray());
        if (_ring.Count == Kept)
        {
            _ring.Dequeue();
        }
        _ring.Enqueue(frame);
        foreach (var reader in _readers)
        {
            reader.Offer(frame);
        }
    }

    private void Attach(EventSubscription reader, string? lastSeen)
    {
        var after = ParseId(lastSeen);
        var firstKept = _ring.Count == 0 ? _lastId + 1 : _ring.Peek().Id;
        if (lastSeen is not null && (after < firstKept - 1 || after > _lastId))
        {
            reader.Offer(Missed(lastSeen, after >= 0 && after <= _lastId ? firstKept - 1 - after : null));
        }
        if (after >= 0)
        {
            foreach (var frame in _ring)
            {
                if (frame.Id > after)
                {
                    reader.Offer(frame);
                }
            }
        }
        ImmutableInterlocked.Update(ref _readers, static (readers, added) => readers.Add(added), reader);
        // Closed meanwhile: it must not stay in the list.
        if (reader.Frames.Completion.IsCompleted)
        {
            Remove(reader);
        }
    }

    /// <summary>Tells a reader that there is no way back to where it was; without a number when that was in another process.</summary>
    private EventFrame Missed(string lastSeen, long? missed)
    {
        var json = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("lastEventId"u8, lastSeen);
            if (missed is { } count)
            {
                writer.WriteNumber("missedEvents"u8, count);
            }
            else
            {
                writer.WriteNull("missedEvents"u8);
            }
            writer.WriteString("eventType"u8, MissedType);
            writer.WriteString("timestamp"u8, Timestamp.From(_time.GetUtcNow()).ToString());
            writer.WriteEndObject();
        }
        var frame = new ArrayBufferWriter<byte>(512);
        Encoding.UTF8.GetBytes($"event: {MissedType}\r\ndata: ", frame);
        frame.Write(json.WrittenSpan);
        frame.Write("\r\n\r\n"u8);
        return new EventFrame(0, MissedType, frame.WrittenSpan.ToArray());
    }

    private long ParseId(string? id) =>
        id is not null && id.StartsWith(_epoch, StringComparison.Ordinal) && id.Length > _epoch.Length && id[_epoch.Length] == '-'
            && long.TryParse(id.AsSpan(_epoch.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : -1;

    [LoggerMessage(EventId = 300, Level = LogLevel.Error, Message = "An event could not be published. This is a bug in Pacer.")]
    private partial void LogEventFailed(Exception exception);
}
