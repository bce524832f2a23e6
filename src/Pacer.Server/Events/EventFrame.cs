namespace Pacer.Server.Events;

/// <summary>One event as it goes over the wire, made once for all readers.</summary>
/// <param name="Id">Number of the event in this server process; 0 for heartbeats and notices to one reader, which have none and pass every filter.</param>
internal sealed record EventFrame(long Id, string Type, byte[] Bytes)
{
    public static readonly EventFrame Heartbeat = new(0, "", "\r\n"u8.ToArray());
}
