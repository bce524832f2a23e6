using System.Runtime.InteropServices;
using System.Text.Json;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// System call rules that refuse new user namespaces. In one of those everybody is root, if only of little: but root's cgroup files belong to
/// it there, too, so that root of a container could mount its own cgroup and raise its limits. Pure.
/// </summary>
internal static class UserNamespaceRules
{
    private const int NewUser = 0x10000000;
    private const int NotPermitted = 1;
    private const int NotImplemented = 38;

    /// <summary>Calls that can make one, of which some flags or none may be allowed.</summary>
    public static readonly IReadOnlyList<string> Calls = ["clone", "unshare", "clone3"];

    /// <summary>For containers that no other profile applies to: everything is allowed but this.</summary>
    public static ReadOnlyMemory<byte> Alone()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("defaultAction", "SCMP_ACT_ALLOW");
        json.WriteStartArray("architectures");
        // Programs of an architecture that is not listed would be killed.
        foreach (var architecture in RuntimeInformation.ProcessArchitecture is Architecture.Arm64
            ? (ReadOnlySpan<string>)["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
            : ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])
        {
            json.WriteStringValue(architecture);
        }
        json.WriteEndArray();
        json.WriteStartArray("syscalls");
        WriteRefusals(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>What takes the place of <see cref="Calls"/> in a list of allowed calls.</summary>
    public static void WriteInAllowList(Utf8JsonWriter json)
    {
        WriteRule(json, "SCMP_ACT_ALLOW", null, ["clone", "unshare"], 0);
        WriteRefusals(json);
    }

    private static void WriteRefusals(Utf8JsonWriter json)
    {
        WriteRule(json, "SCMP_ACT_ERRNO", NotPermitted, ["clone", "unshare"], NewUser);
        // Its flags lie in memory, where no filter sees them. As if the kernel were older: programs then take clone.
        WriteRule(json, "SCMP_ACT_ERRNO", NotImplemented, ["clone3"], null);
    }

    private static void WriteRule(Utf8JsonWriter json, string action, int? error, ReadOnlySpan<string> names, int? newUserFlag)
    {
        json.WriteStartObject();
        json.WriteStartArray("names");
        foreach (var name in names)
        {
            json.WriteStringValue(name);
        }
        json.WriteEndArray();
        json.WriteString("action", action);
        if (error is { } number)
        {
            json.WriteNumber("errnoRet", number);
        }
        if (newUserFlag is { } wanted)
        {
            json.WriteStartArray("args");
            json.WriteStartObject();
            json.WriteNumber("index", 0);
            json.WriteNumber("value", NewUser); // the mask
            json.WriteNumber("valueTwo", wanted);
            json.WriteString("op", "SCMP_CMP_MASKED_EQ");
            json.WriteEndObject();
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
