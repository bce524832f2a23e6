using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pacer.Shell.Tests.Dns;

/// <summary>Asks one question by UDP and reads the answer section.</summary>
internal static class DnsClient
{
    private static readonly Dictionary<string, ushort> Types = new() { ["A"] = 1, ["PTR"] = 12, ["TXT"] = 16, ["AAAA"] = 28, ["SRV"] = 33 };

    /// <summary>Values as text; "NXDOMAIN" or "RCODE n" alone when the name can't be answered.</summary>
    public static string[] Ask(IPEndPoint server, string name, string type)
    {
        using var client = new UdpClient();
        client.Client.ReceiveTimeout = 20_000;
        client.Connect(server);
        client.Send([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.TrimEnd('.').Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]),
            0, 0, (byte)Types[type], 0, 1]);
        IPEndPoint? from = null;
        var packet = client.Receive(ref from);
        if ((packet[3] & 0xF) is var code && code != 0)
        {
            return [code == 3 ? "NXDOMAIN" : $"RCODE {code}"];
        }
        var offset = 12;
        ReadName(packet, ref offset);
        offset += 4;
        var answers = new string[BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(6))];
        for (var i = 0; i < answers.Length; i++)
        {
            ReadName(packet, ref offset);
            var data = offset + 10;
            var length = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(offset + 8));
            offset = data + length;
            var at = data;
            answers[i] = type switch
            {
                "A" or "AAAA" => new IPAddress(packet.AsSpan(data, length)).ToString(),
                "TXT" => Encoding.UTF8.GetString(packet, data + 1, packet[data]),
                "PTR" => ReadName(packet, ref at),
                _ => Service(packet, data),
            };
        }
        return answers;
    }

    private static string Service(byte[] packet, int data)
    {
        var at = data + 6;
        var target = ReadName(packet, ref at);
        return $"{target}:{BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(data + 4))}";
    }

    private static string ReadName(byte[] packet, ref int offset)
    {
        var labels = new List<string>();
        var at = offset;
        var jumped = false;
        while (packet[at] != 0)
        {
            if (packet[at] >= 0xC0)
            {
                offset = jumped ? offset : at + 2;
                at = (packet[at] & 0x3F) << 8 | packet[at + 1];
                jumped = true;
                continue;
            }
            labels.Add(Encoding.ASCII.GetString(packet, at + 1, packet[at]));
            at += packet[at] + 1;
        }
        offset = jumped ? offset : at + 1;
        return string.Join('.', labels);
    }
}
