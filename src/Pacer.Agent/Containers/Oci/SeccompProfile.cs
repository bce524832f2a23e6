using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// A list of allowed system calls in Docker's form (conditions on architecture and capabilities), turned into what the OCI runtime
/// takes. Pure.
/// </summary>
internal static class SeccompProfile
{
    private static string Architecture => RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private static string KernelArchitecture => Architecture == "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";

    /// <summary>The value of <c>linux.seccomp</c>. Throws <see cref="ContainerStartException"/> when the profile makes no sense.</summary>
    /// <param name="name">For the message.</param>
    /// <param name="capabilities">That the container has, such as <c>CAP_CHOWN</c>.</param>
    /// <param name="refuseUserNamespaces">Also where the profile allows them.</param>
    public static ReadOnlyMemory<byte> ToOci(
        ReadOnlyMemory<byte> profile, string name, IReadOnlyList<string> capabilities, bool refuseUserNamespaces = false)
    {
        try
        {
            using var document = JsonDocument.Parse(profile, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var root = document.RootElement;
            var buffer = new ArrayBufferWriter<byte>(16 * 1024);
            using var json = new Utf8JsonWriter(buffer);
            json.WriteStartObject();
            Copy(json, root, "defaultAction");
            Copy(json, root, "defaultErrnoRet");
            json.WriteStartArray("architectures");
            foreach (var architecture in Architectures(root))
            {
                json.WriteStringValue(architecture);
            }
            json.WriteEndArray();
            json.WriteStartArray("syscalls");
            foreach (var rule in root.GetProperty("syscalls").EnumerateArray())
            {
                if (Applies(rule, capabilities))
                {
                    WriteRule(json, rule, refuseUserNamespaces ? UserNamespaceRules.Calls : []);
                }
            }
            if (refuseUserNamespaces)
            {
                UserNamespaceRules.WriteInAllowList(json);
            }
            json.WriteEndArray();
            json.WriteEndObject();
            json.Flush();
            return buffer.WrittenMemory;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ContainerStartException($"the seccomp profile '{name}' is not in Docker's form: {e.Message}");
        }
    }

    private static void WriteRule(Utf8JsonWriter json, JsonElement rule, IReadOnlyList<string> without)
    {
        // Docker's older form has one name a rule.
        var names = (rule.TryGetProperty("names", out _) ? Texts(rule, "names") : [rule.GetProperty("name").GetString() ?? ""]).Except(without).ToList();
        if (names.Count == 0)
        {
            return;
        }
        json.WriteStartObject();
        json.WriteStartArray("names");
        foreach (var name in names)
        {
            json.WriteStringValue(name);
        }
        json.WriteEndArray();
        Copy(json, rule, "action");
        Copy(json, rule, "errnoRet");
        if (rule.TryGetProperty("args", out var args) && args.ValueKind == JsonValueKind.Array && args.GetArrayLength() > 0)
        {
            json.WritePropertyName("args");
            args.WriteTo(json);
        }
        json.WriteEndObject();
    }

    private static IEnumerable<string> Architectures(JsonElement root)
    {
        if (root.TryGetProperty("archMap", out var map) && map.ValueKind == JsonValueKind.Array)
        {
            foreach (var entry in map.EnumerateArray().Where(entry => entry.GetProperty("architecture").GetString() == KernelArchitecture))
            {
                return [KernelArchitecture, .. Texts(entry, "subArchitectures")];
            }
        }
        return Texts(root, "architectures") is { Count: > 0 } listed ? listed : [KernelArchitecture];
    }

    private static bool Applies(JsonElement rule, IReadOnlyList<string> capabilities) =>
        !(Part(rule, "includes") is { } includes
            && (Texts(includes, "arches") is { Count: > 0 } arches && !arches.Contains(Architecture) || !Texts(includes, "caps").All(capabilities.Contains)))
        && !(Part(rule, "excludes") is { } excludes
            && (Texts(excludes, "arches").Contains(Architecture) || Texts(excludes, "caps").Any(capabilities.Contains)));

    private static JsonElement? Part(JsonElement rule, string name) =>
        rule.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object ? part : null;

    private static List<string> Texts(JsonElement element, string name) =>
        element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(entry => entry.GetString() ?? "")] : [];

    private static void Copy(Utf8JsonWriter json, JsonElement from, string name)
    {
        if (from.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }
    }
}
