using System.Globalization;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns.Packets;
using Pacer.Edge.Dns.Zones;

namespace Pacer.Edge.Dns.Http;

/// <summary>Bodies of Mesos-DNS' HTTP API. Names in them end with a dot.</summary>
internal sealed class MesosDnsBodies(DnsZones zones, DnsOptions options)
{
    private static readonly string PacerVersion =
        typeof(MesosDnsBodies).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public void Version(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("Service", "Mesos-DNS");
        json.WriteString("Version", "pacer-" + PacerVersion);
        json.WriteString("URL", "https://github.com/mesosphere/mesos-dns");
        json.WriteEndObject();
    }

    public void Config(Utf8JsonWriter json)
    {
        var soa = zones.Zones.Mesos;
        json.WriteStartObject();
        json.WriteNumber("RefreshSeconds", 0); // nothing is polled
        json.WriteNumber("Port", options.Listen[0].Port);
        json.WriteNumber("Timeout", 5);
        json.WriteNumber("StateTimeoutSeconds", 300);
        json.WriteNumber("ZkDetectionTimeout", 30);
        json.WriteNumber("HttpPort", options.HttpListen?.Port ?? 0);
        json.WriteNumber("TTL", options.Ttl);
        json.WriteNumber("SRVRecordDefaultWeight", options.SrvWeight);
        json.WriteNumber("SOASerial", zones.Serial);
        json.WriteNumber("SOARefresh", 60);
        json.WriteNumber("SOARetry", 600);
        json.WriteNumber("SOAExpire", 86400);
        json.WriteNumber("SOAMinttl", options.Ttl);
        json.WriteString("SOAMname", soa.NameServer + ".");
        json.WriteString("SOARname", soa.Mailbox + ".");
        WriteStrings(json, "Masters", []);
        json.WriteStartObject("ZoneResolvers");
        foreach (var (zone, servers) in options.ZoneUpstreams)
        {
            WriteStrings(json, zone, servers.Select(server => server.ToString()));
        }
        json.WriteEndObject();
        WriteStrings(json, "Resolvers", options.Upstreams.Select(server => server.ToString()));
        WriteStrings(json, "IPSources", (options.IpSources ?? []).Select(source => source == AddressSource.Host ? "host" : "netinfo"));
        json.WriteString("Zk", "");
        json.WriteString("Domain", options.Domain);
        json.WriteString("File", "");
        json.WriteString("Listener", options.Listen[0].Address.ToString());
        json.WriteString("HTTPListener", options.HttpListen?.Address.ToString() ?? "");
        json.WriteBoolean("RecurseOn", options.Forward);
        json.WriteBoolean("DnsOn", true);
        json.WriteBoolean("HttpOn", options.HttpListen is not null);
        json.WriteBoolean("ExternalOn", options.Forward);
        json.WriteBoolean("EnforceRFC952", options.Labels == LabelRules.Rfc952);
        json.WriteBoolean("SetTruncateBit", true);
        json.WriteBoolean("EnumerationOn", true);
        json.WriteBoolean("MesosHTTPSOn", false);
        foreach (var key in new[] { "CACertFile", "CertFile", "KeyFile" })
        {
            json.WriteString(key, "");
        }
        json.WriteStartObject("MesosCredentials");
        json.WriteEndObject();
        json.WriteString("IAMConfigFile", "");
        json.WriteString("MesosAuthentication", "");
        json.WriteEndObject();
    }

    public void Hosts(Utf8JsonWriter json, string host)
    {
        var (name, entry) = Find(host);
        json.WriteStartArray();
        var any = false;
        foreach (var address in entry?.Addresses ?? [])
        {
            WriteHost(json, name + ".", address.ToString());
            any = true;
        }
        if (!any)
        {
            WriteHost(json, "", ""); // as Mesos-DNS has it: never an empty list
        }
        json.WriteEndArray();
    }

    public void Services(Utf8JsonWriter json, string service)
    {
        var (_, entry) = Find(service);
        json.WriteStartArray();
        var any = false;
        foreach (var target in entry?.Srv ?? [])
        {
            var port = target.Port.ToString(CultureInfo.InvariantCulture);
            var addresses = target.Target.Entry?.Addresses.ToList() ?? [];
            foreach (var address in addresses.DistinctBy(address => address.AddressFamily))
            {
                WriteService(json, service, target.Target.Name + ".", address.ToString(), port);
                any = true;
            }
        }
        if (!any)
        {
            WriteService(json, "", "", "", "");
        }
        json.WriteEndArray();
    }

    public void Enumerate(Utf8JsonWriter json)
    {
        var records = zones.RecordsByTask();
        json.WriteStartObject();
        json.WriteStartArray("frameworks");
        json.WriteStartObject();
        json.WriteStartArray("tasks");
        foreach (var (task, serviceId, list) in records)
        {
            json.WriteStartObject();
            json.WriteString("name", DnsName.OfRunSpec(serviceId));
            json.WriteString("id", task);
            json.WriteStartArray("records");
            foreach (var (name, host, type) in list)
            {
                json.WriteStartObject();
                json.WriteString("name", name + ".");
                json.WriteString("host", host);
                json.WriteString("rtype", type);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("name", zones.Framework);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public void Transfer(Utf8JsonWriter json)
    {
        var soa = zones.Zones.Mesos;
        var slots = zones.Table.Slots.Where(slot => soa.Contains(slot.Name)).OrderBy(slot => slot.Name, StringComparer.Ordinal).ToList();
        json.WriteStartObject();
        json.WriteNumber("TTL", options.Ttl);
        json.WriteNumber("Serial", zones.Serial);
        json.WriteNumber("RefreshSeconds", 0);
        json.WriteString("Mname", soa.NameServer + ".");
        json.WriteString("Rname", soa.Mailbox + ".");
        json.WriteString("Domain", options.Domain);
        json.WriteStartObject("Records");
        WriteRecords(json, "As", slots, entry => entry.Addresses.Where(address => address.AddressFamily == AddressFamily.InterNetwork).Select(address => address.ToString()));
        WriteRecords(json, "AAAAs", slots, entry => entry.Addresses.Where(address => address.AddressFamily == AddressFamily.InterNetworkV6).Select(address => address.ToString()));
        WriteRecords(json, "SRVs", slots, entry => entry.Srv.Select(service => DnsZones.TargetText(service.Target, service.Port)));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private (string Name, NameEntry? Entry) Find(string text)
    {
        Span<char> name = stackalloc char[WireName.MaxLength + 1];
        var asked = text.TrimEnd('.').ToLowerInvariant().Replace(".*", "", StringComparison.Ordinal);
        if (asked.Length >= name.Length)
        {
            return (asked, null);
        }
        asked.CopyTo(name);
        var length = asked.Length;
        return (asked, zones.Zones.Find(name, ref length, out _) is null ? null : zones.Table.Find(name[..length]));
    }

    private static void WriteRecords(Utf8JsonWriter json, string key, List<NameSlot> slots, Func<NameEntry, IEnumerable<string>> values)
    {
        json.WriteStartObject(key);
        foreach (var slot in slots)
        {
            if (slot.Entry is { } entry && values(entry).ToList() is { Count: > 0 } list)
            {
                WriteStrings(json, slot.Name + ".", list);
            }
        }
        json.WriteEndObject();
    }

    private static void WriteHost(Utf8JsonWriter json, string host, string ip)
    {
        json.WriteStartObject();
        json.WriteString("host", host);
        json.WriteString("ip", ip);
        json.WriteEndObject();
    }

    private static void WriteService(Utf8JsonWriter json, string service, string host, string ip, string port)
    {
        json.WriteStartObject();
        json.WriteString("service", service);
        json.WriteString("host", host);
        json.WriteString("ip", ip);
        json.WriteString("port", port);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string key, IEnumerable<string> values)
    {
        json.WriteStartArray(key);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }
        json.WriteEndArray();
    }
}
