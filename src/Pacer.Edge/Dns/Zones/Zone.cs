using System.Buffers.Binary;
using Pacer.Edge.Dns.Packets;

namespace Pacer.Edge.Dns.Zones;

/// <summary>A domain that we answer for, with what its SOA and NS records say.</summary>
internal sealed class Zone
{
    /// <param name="soaInAnswer">SOA and NS of the apex are answers; otherwise, as with Mesos-DNS, they are in the authority section.</param>
    /// <param name="minimum">Seconds that the absence of a name may be kept.</param>
    public Zone(string apex, string nameServer, string mailbox, uint ttl, uint retry, uint minimum, uint nsTtl, ushort srvPriority, ushort srvWeight, bool soaInAnswer)
    {
        Apex = apex;
        Suffix = "." + apex;
        Ttl = ttl;
        NsTtl = nsTtl;
        SrvPriority = srvPriority;
        SrvWeight = srvWeight;
        SoaInAnswer = soaInAnswer;
        NameServer = nameServer;
        Mailbox = mailbox;
        ApexWire = WireName.Absolute(apex);
        Ns = WireName.Absolute(nameServer);
        Timers = [60, retry, 86400, minimum];
    }

    public string Apex { get; }
    public string Suffix { get; }
    public string NameServer { get; }
    public string Mailbox { get; }
    public uint Ttl { get; }
    public uint NsTtl { get; }
    public ushort SrvPriority { get; }
    public ushort SrvWeight { get; }
    public bool SoaInAnswer { get; }
    public byte[] ApexWire { get; }
    public byte[] Ns { get; }

    /// <summary>Refresh, retry, expire, minimum; seconds.</summary>
    private uint[] Timers { get; }

    /// <summary>The SOA record's data.</summary>
    public byte[] Soa(uint serial)
    {
        var mailbox = WireName.Absolute(Mailbox);
        var soa = new byte[Ns.Length + mailbox.Length + 20];
        Ns.CopyTo(soa, 0);
        mailbox.CopyTo(soa, Ns.Length);
        var numbers = soa.AsSpan(Ns.Length + mailbox.Length);
        BinaryPrimitives.WriteUInt32BigEndian(numbers, serial);
        for (var i = 0; i < Timers.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(numbers[(4 + 4 * i)..], Timers[i]);
        }
        return soa;
    }

    public bool Contains(ReadOnlySpan<char> name) => name.EndsWith(Suffix, StringComparison.Ordinal) || name.SequenceEqual(Apex);
}
