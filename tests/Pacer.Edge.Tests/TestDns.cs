using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Dns;
using Pacer.Edge.Dns.Server;
using Pacer.Edge.Dns.Zones;

namespace Pacer.Edge.Tests;

/// <summary>Asks the responder without a network; answers are taken apart by another implementation of the format.</summary>
internal sealed class TestDns
{
    private readonly Responder _responder;

    public TestDns(EndpointUpdate? snapshot, DnsOptions? options = null)
    {
        Zones = new DnsZones(options ?? new DnsOptions(), TimeProvider.System);
        _responder = new Responder(Zones, options ?? new DnsOptions());
        if (snapshot is not null)
        {
            Zones.Apply(snapshot);
        }
    }

    public DnsZones Zones { get; }

    public static byte[] Question(string name, RecordType type, int? payload = null, bool recursion = true)
    {
        // By hand, so that names that libraries refuse can be asked too.
        var packet = new List<byte> { 0x12, 0x34, recursion ? (byte)1 : (byte)0, 0, 0, 1, 0, 0, 0, 0, 0, payload is null ? (byte)0 : (byte)1 };
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            packet.Add((byte)label.Length);
            packet.AddRange(label.Select(c => (byte)c));
        }
        packet.AddRange([0, (byte)((int)type >> 8), (byte)type, 0, 1]);
        if (payload is { } size)
        {
            packet.AddRange([0, 0, 41, (byte)(size >> 8), (byte)size, 0, 0, 0, 0, 0, 0]);
        }
        return [.. packet];
    }

    /// <summary>The raw answer; null when there is none.</summary>
    public byte[]? Raw(byte[] packet, bool tcp = false)
    {
        var response = new byte[Responder.MaxTcp];
        var outcome = _responder.Answer(packet, tcp ? response : response.AsSpan(0, Responder.MaxUdp), tcp, out var length, out _);
        return outcome == Outcome.Answered ? response[..length] : null;
    }

    public DnsMessage Ask(string name, RecordType type = RecordType.A, int? payload = 4096, bool tcp = false) =>
        DnsMessage.Parse(new ArraySegment<byte>(Raw(Question(name, type, payload), tcp) ?? throw new InvalidOperationException($"{name} is not ours")));

    /// <summary>Addresses, sorted.</summary>
    public string[] Addresses(string name, RecordType type = RecordType.A) =>
        [.. Ask(name, type).AnswerRecords.OfType<AddressRecordBase>().Select(record => record.Address.ToString()).Order(StringComparer.Ordinal)];

    /// <summary>Targets with ports, sorted.</summary>
    public string[] Services(string name) =>
        [.. Ask(name, RecordType.Srv).AnswerRecords.OfType<SrvRecord>().Select(TargetOf).Order(StringComparer.Ordinal)];

    public static string TargetOf(SrvRecord record) => $"{record.Target.ToString().TrimEnd('.')}:{record.Port}";

    public static async Task<DnsHost> StartAsync(EndpointUpdate? snapshot, DnsOptions? options = null)
    {
        options = (options ?? new DnsOptions()) with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] };
        var host = await DnsHost.StartAsync(options, TimeProvider.System, NullLogger.Instance);
        if (snapshot is not null)
        {
            host.Apply(snapshot);
        }
        return host;
    }
}
