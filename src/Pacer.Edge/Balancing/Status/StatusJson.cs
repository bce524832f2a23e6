using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Status;

/// <summary>What <c>pacer lb status</c> shows.</summary>
internal static class StatusJson
{
    public static string Of(BalancerView view)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(json, view);
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, BalancerView view)
    {
        var now = view.Now;
        json.WriteStartObject();
        json.WriteString("startedAt", view.StartedAt);
        json.WriteString("trouble", view.Trouble());
        json.WriteNumber("connections", view.Doors.Open);
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
        foreach (var pool in view.Routes.Pools.Values.OrderBy(pool => pool.Backend.Name, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("name", pool.Backend.Name);
            json.WriteString("service", pool.Backend.ServiceId);
            json.WriteNumber("portIndex", pool.Backend.PortIndex);
            json.WriteString("mode", pool.Settings.Mode == ServiceMode.Http ? "http" : "tcp");
            json.WriteNumber("port", pool.Backend.Listens ? pool.Settings.ListenPort : 0);
            WriteTexts(json, "hosts", pool.Settings.Hosts);
            WriteTexts(json, "paths", pool.Settings.Paths);
            json.WriteNumber("requests", Enumerable.Range(1, 5).Sum(pool.State.Answers));
            json.WriteNumber("errors", pool.State.Answers(5));
            json.WriteNumber("retries", pool.State.Retries);
            json.WriteNumber("unserved", pool.State.Unserved);
            json.WriteNumber("waiting", pool.State.Queued);
            json.WriteStartArray("servers");
            foreach (var server in pool.Servers)
            {
                json.WriteStartObject();
                json.WriteString("name", server.Server.Name);
                json.WriteString("task", server.Server.TaskId);
                json.WriteString("address", server.Server.Address.ToString());
                json.WriteString("status", BalancerView.StatusOf(server, now));
                json.WriteString("reason", BalancerView.ReasonOf(server, now));
                json.WriteNumber("weight", server.Server.Weight);
                json.WriteNumber("active", server.Load.Active);
                json.WriteNumber("requests", server.Load.Total);
                json.WriteNumber("failures", server.Load.Failures);
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
