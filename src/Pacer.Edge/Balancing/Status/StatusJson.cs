using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Status;

/// <summary>What <c>pacer lb status</c> shows.</summary>
internal static class StatusJson
{
    public static string Of(BalancerView view, Traffic traffic)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(json, view, traffic);
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, BalancerView view, Traffic traffic)
    {
        json.WriteStartObject();
        json.WriteString("startedAt", view.StartedAt);
        json.WriteString("trouble", view.Trouble());
        json.WriteNumber("connections", traffic.Open);
        json.WriteString("engine", view.Haproxy is null ? "embedded" : "haproxy");
        if (view.Haproxy is { } haproxy)
        {
            json.WriteNumber("reloads", haproxy.Reloads);
        }
        json.WriteStartArray("listeners");
        foreach (var (kind, address) in view.Addresses)
        {
            json.WriteStartObject();
            json.WriteString("kind", kind.ToString().ToLowerInvariant());
            json.WriteString("address", address.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (var warning in view.Warnings)
        {
            json.WriteStartObject();
            json.WriteString("service", warning.ServiceId.Length > 0 ? warning.ServiceId : null);
            json.WriteString("label", warning.Label);
            json.WriteString("text", warning.Text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("certificates");
        foreach (var (file, names, notAfter) in view.Certificates.Certificates)
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            WriteTexts(json, "names", names);
            json.WriteString("notAfter", notAfter);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("backends");
        foreach (var (pool, numbers) in traffic.Backends.OrderBy(backend => backend.Key.Backend.Name, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("name", pool.Backend.Name);
            json.WriteString("service", pool.Backend.ServiceId);
            json.WriteNumber("portIndex", pool.Backend.PortIndex);
            json.WriteString("mode", pool.Settings.Mode == ServiceMode.Http ? "http" : "tcp");
            json.WriteNumber("port", pool.Backend.Listens ? pool.Settings.ListenPort : 0);
            WriteTexts(json, "hosts", pool.Settings.Hosts);
            WriteTexts(json, "paths", pool.Settings.Paths);
            json.WriteNumber("requests", numbers.Requests);
            json.WriteNumber("errors", numbers.Answers[5]);
            json.WriteNumber("retries", numbers.Retries);
            json.WriteNumber("unserved", numbers.Unserved);
            json.WriteNumber("waiting", numbers.Queued);
            json.WriteStartArray("servers");
            foreach (var (server, load) in pool.Servers.Zip(numbers.Servers))
            {
                json.WriteStartObject();
                json.WriteString("name", server.Server.Name);
                json.WriteString("task", server.Server.TaskId);
                json.WriteString("address", server.Server.Address.ToString());
                json.WriteString("status", load.Status);
                json.WriteString("reason", load.Reason);
                json.WriteNumber("weight", server.Server.Weight);
                json.WriteNumber("active", load.Active);
                json.WriteNumber("requests", load.Total);
                json.WriteNumber("failures", load.Failures);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}
