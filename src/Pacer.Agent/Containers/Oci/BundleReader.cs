using System.Text.Json;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Oci;

/// <summary>Reads the process back out of a bundle, so that an exec gets the container's own user, environment and rights.</summary>
internal static class BundleReader
{
    /// <summary>The container's root file system on the host.</summary>
    public static string Root(ReadOnlyMemory<byte> configJson)
    {
        using var json = JsonDocument.Parse(configJson);
        return json.RootElement.GetProperty("root").GetProperty("path").GetString()!;
    }

    public static BundleProcess Process(ReadOnlyMemory<byte> configJson)
    {
        using var json = JsonDocument.Parse(configJson);
        var process = json.RootElement.GetProperty("process");
        var user = process.GetProperty("user");
        return new(
            Strings(process.GetProperty("args")),
            Strings(process.GetProperty("env")),
            new(
                user.GetProperty("uid").GetUInt32(),
                user.GetProperty("gid").GetUInt32(),
                [.. user.GetProperty("additionalGids").EnumerateArray().Select(g => g.GetUInt32())],
                null,
                null),
            Strings(process.GetProperty("capabilities").GetProperty("bounding")),
            process.GetProperty("cwd").GetString()!,
            null);
    }

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetString()!)];
}
