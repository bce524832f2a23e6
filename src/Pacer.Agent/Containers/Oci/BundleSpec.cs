using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Users;
using Pacer.Agent.Gpus;

namespace Pacer.Agent.Containers.Oci;

/// <summary>The process part of a bundle; also what an exec is given.</summary>
internal sealed record BundleProcess(
    IReadOnlyList<string> Arguments,
    IReadOnlyList<string> Environment,
    ContainerUser User,
    IReadOnlyList<string> Capabilities,
    string WorkingDirectory,
    (int Rows, int Columns)? Terminal);

/// <summary>Writes an OCI bundle's config.json (runtime spec 1.0.2). Pure.</summary>
internal sealed record BundleSpec(
    BundleProcess Process,
    string RootFileSystem,
    string Hostname,
    IReadOnlyList<BundleMount> Mounts,
    string CgroupPath,
    CgroupVersion CgroupVersion,
    CgroupLimits Limits)
{
    /// <summary>The container may write to its root: that of an image, which is a copy of its own.</summary>
    public bool WritableRoot { get; init; }

    /// <summary>Null: no filter.</summary>
    public SeccompFilter? Seccomp { get; init; }

    /// <summary>No IPC namespace of its own.</summary>
    public bool SharesNodeIpc { get; init; }

    /// <summary>Path of the IPC namespace to join; null: one of its own, or the node's.</summary>
    public string? IpcNamespace { get; init; }

    /// <summary>Path of the network namespace to join; null: the node's.</summary>
    public string? NetworkNamespace { get; init; }

    /// <summary>That the container gets, and may use, besides those that every one has.</summary>
    public IReadOnlyList<DeviceNode> Devices { get; init; } = [];

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly string[] Namespaces = ["pid", "mount", "ipc", "uts"];

    private static readonly string[] MaskedPaths =
    [
        "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi",
        "/sys/firmware",
    ];

    private static readonly string[] ReadOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    public ReadOnlyMemory<byte> ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(8192);
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WriteString("ociVersion", "1.0.2");
        json.WritePropertyName("process");
        WriteProcess(json, Process);
        json.WriteStartObject("root");
        json.WriteString("path", RootFileSystem);
        json.WriteBoolean("readonly", !WritableRoot);
        json.WriteEndObject();
        json.WriteString("hostname", Hostname);
        json.WriteStartArray("mounts");
        foreach (var mount in Mounts)
        {
            json.WriteStartObject();
            json.WriteString("destination", mount.Destination);
            json.WriteString("type", mount.Type);
            json.WriteString("source", mount.Source);
            WriteStrings(json, "options", mount.Options);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteLinux(json);
        if (Seccomp?.Compiled is { } compiled)
        {
            json.WriteStartObject("annotations");
            json.WriteString(SeccompFilter.Annotation, compiled);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    public static ReadOnlyMemory<byte> ProcessJson(BundleProcess process)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using var json = new Utf8JsonWriter(buffer, Options);
        WriteProcess(json, process);
        json.Flush();
        return buffer.WrittenMemory;
    }

    private void WriteLinux(Utf8JsonWriter json)
    {
        json.WriteStartObject("linux");
        if (CgroupVersion != CgroupVersion.None)
        {
            json.WriteString("cgroupsPath", CgroupPath);
        }

        json.WriteStartArray("namespaces");
        foreach (var ns in Namespaces.Where(ns => ns != "ipc" || !SharesNodeIpc))
        {
            json.WriteStartObject();
            json.WriteString("type", ns);
            if (ns == "ipc" && IpcNamespace is not null)
            {
                json.WriteString("path", IpcNamespace);
            }
            json.WriteEndObject();
        }

        if (NetworkNamespace is not null)
        {
            json.WriteStartObject();
            json.WriteString("type", "network");
            json.WriteString("path", NetworkNamespace);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (NetworkNamespace is not null)
        {
            // Its ports are nobody else's, so any user may have those below 1024, and may ping.
            json.WriteStartObject("sysctl");
            json.WriteString("net.ipv4.ip_unprivileged_port_start", "0");
            json.WriteString("net.ipv4.ping_group_range", "0 2147483647");
            json.WriteEndObject();
        }

        json.WriteString("rootfsPropagation", "rslave");
        WriteDevices(json);
        WriteResources(json);
        if (Seccomp is { } seccomp)
        {
            json.WritePropertyName("seccomp");
            json.WriteRawValue(seccomp.Json.Span, skipInputValidation: true);
        }

        WriteStrings(json, "maskedPaths", MaskedPaths);
        WriteStrings(json, "readonlyPaths", ReadOnlyPaths);
        json.WriteEndObject();
    }

    private void WriteDevices(Utf8JsonWriter json)
    {
        json.WriteStartArray("devices");
        foreach (var device in Devices)
        {
            json.WriteStartObject();
            json.WriteString("path", device.Path);
            json.WriteString("type", "c");
            json.WriteNumber("major", device.Major);
            json.WriteNumber("minor", device.Minor);
            json.WriteNumber("fileMode", device.Mode);
            json.WriteNumber("uid", 0);
            json.WriteNumber("gid", 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteResources(Utf8JsonWriter json)
    {
        var v2 = CgroupVersion == CgroupVersion.V2;
        json.WriteStartObject("resources");
        // Without a first "deny all" every device of the host could be opened.
        json.WriteStartArray("devices");
        json.WriteStartObject();
        json.WriteBoolean("allow", false);
        json.WriteString("access", "rwm");
        json.WriteEndObject();
        foreach (var device in Devices)
        {
            json.WriteStartObject();
            json.WriteBoolean("allow", true);
            json.WriteString("type", "c");
            json.WriteNumber("major", device.Major);
            json.WriteNumber("minor", device.Minor);
            json.WriteString("access", "rw");
            json.WriteEndObject();
        }
        json.WriteEndArray();

        json.WriteStartObject("cpu");
        if (!v2)
        {
            json.WriteNumber("shares", Limits.CpuShares);
        }

        if (Limits.CpuQuotaMicroseconds is { } quota)
        {
            json.WriteNumber("quota", quota);
            json.WriteNumber("period", CgroupLimits.PeriodMicroseconds);
        }

        json.WriteEndObject();
        if (Limits.MemoryBytes is { } memory)
        {
            json.WriteStartObject("memory");
            json.WriteNumber("limit", memory);
            // Equal: no swap on top. Left out, v1 would allow any amount.
            json.WriteNumber("swap", memory);
            json.WriteEndObject();
        }

        if (Limits.Pids is { } pids)
        {
            json.WriteStartObject("pids");
            json.WriteNumber("limit", pids);
            json.WriteEndObject();
        }

        if (v2)
        {
            json.WriteStartObject("unified");
            json.WriteString("cpu.weight", Limits.CpuWeight.ToString(System.Globalization.CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteProcess(Utf8JsonWriter json, BundleProcess process)
    {
        json.WriteStartObject();
        json.WriteBoolean("terminal", process.Terminal is not null);
        if (process.Terminal is { } size)
        {
            json.WriteStartObject("consoleSize");
            json.WriteNumber("height", Math.Clamp(size.Rows, 1, ushort.MaxValue));
            json.WriteNumber("width", Math.Clamp(size.Columns, 1, ushort.MaxValue));
            json.WriteEndObject();
        }

        json.WriteStartObject("user");
        json.WriteNumber("uid", process.User.Uid);
        json.WriteNumber("gid", process.User.Gid);
        json.WriteStartArray("additionalGids");
        foreach (var gid in process.User.Groups)
        {
            json.WriteNumberValue(gid);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        WriteStrings(json, "args", process.Arguments);
        WriteStrings(json, "env", process.Environment);
        json.WriteString("cwd", process.WorkingDirectory);
        json.WriteBoolean("noNewPrivileges", true);
        json.WriteStartObject("capabilities");
        foreach (var set in (string[])["bounding", "effective", "permitted"])
        {
            WriteStrings(json, set, process.Capabilities);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
