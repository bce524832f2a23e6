using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pacer.Agent.Networks.Cni;

/// <summary>What plugins are given on standard input, and what they answer (CNI specification 0.1 to 1.1). Pure.</summary>
internal static class CniMessages
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="previous">Result of the plugin before it, or for a removal of the whole chain; null: none.</param>
    public static string Input(
        CniNetwork network, CniPlugin plugin, IReadOnlyDictionary<string, string> labels, IReadOnlyList<MappedPort> ports, string? previous)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WriteString("cniVersion", network.Version);
        json.WriteString("name", network.Name);
        foreach (var member in plugin.Configuration.EnumerateObject())
        {
            if (member.Name is not ("cniVersion" or "name" or "runtimeConfig" or "prevResult" or "args"))
            {
                member.WriteTo(json);
            }
        }
        WriteArguments(json, plugin, network.Name, labels);
        if (plugin.MapsPorts)
        {
            json.WriteStartObject("runtimeConfig");
            json.WriteStartArray("portMappings");
            foreach (var port in ports)
            {
                json.WriteStartObject();
                json.WriteNumber("hostPort", port.HostPort);
                json.WriteNumber("containerPort", port.ContainerPort);
                json.WriteString("protocol", port.Protocol);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        if (previous is not null)
        {
            json.WritePropertyName("prevResult");
            json.WriteRawValue(previous);
        }
        json.WriteEndObject();
        json.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Whether a removal is told the result of the addition: since 0.4.0.</summary>
    public static bool RemovalTakesResult(string version) => Version.TryParse(version, out var parsed) && parsed >= new Version(0, 4, 0);

    /// <summary>Addresses in a result, without prefix lengths; IPv4 first.</summary>
    public static IReadOnlyList<string> Addresses(string result)
    {
        var found = new List<IPAddress>();
        try
        {
            using var document = JsonDocument.Parse(result);
            var root = document.RootElement;
            if (root.TryGetProperty("ips", out var ips) && ips.ValueKind == JsonValueKind.Array)
            {
                foreach (var ip in ips.EnumerateArray())
                {
                    Add(CniNetwork.TextOf(ip, "address"));
                }
            }
            // Before 0.3.0.
            foreach (var name in (string[])["ip4", "ip6"])
            {
                if (root.TryGetProperty(name, out var ip) && ip.ValueKind == JsonValueKind.Object)
                {
                    Add(CniNetwork.TextOf(ip, "ip"));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return [];
        }
        return [.. found.OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1).Select(address => address.ToString())];

        void Add(string? text)
        {
            if (text is not null && IPAddress.TryParse(text.Split('/')[0], out var address))
            {
                found.Add(address);
            }
        }
    }

    /// <summary>Why a plugin refused, from its answer; null when it does not say.</summary>
    public static string? Error(string answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            var message = CniNetwork.TextOf(document.RootElement, "msg");
            var details = CniNetwork.TextOf(document.RootElement, "details");
            return message is { Length: > 0 } ? details is { Length: > 0 } ? $"{message}: {details}" : message : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // Where plugins made for Mesos look for the labels of a task's network.
    private static void WriteArguments(Utf8JsonWriter json, CniPlugin plugin, string network, IReadOnlyDictionary<string, string> labels)
    {
        const string mesos = "org.apache.mesos";
        json.WriteStartObject("args");
        if (plugin.Configuration.TryGetProperty("args", out var own) && own.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in own.EnumerateObject())
            {
                if (member.Name != mesos)
                {
                    member.WriteTo(json);
                }
            }
        }
        json.WriteStartObject(mesos);
        json.WriteStartObject("network_info");
        json.WriteString("name", network);
        if (labels.Count > 0)
        {
            json.WriteStartObject("labels");
            json.WriteStartArray("labels");
            foreach (var (key, value) in labels.OrderBy(label => label.Key, StringComparer.Ordinal))
            {
                json.WriteStartObject();
                json.WriteString("key", key);
                json.WriteString("value", value);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
