using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pacer.Agent.Node;

namespace Pacer.Agent.Networks;

/// <summary>A bridge that was made, and what for.</summary>
internal sealed record BridgeRecord(string Network, string Subnet);

[JsonSerializable(typeof(List<BridgeRecord>))]
internal sealed partial class BridgeJson : JsonSerializerContext;

/// <summary>
/// What the agent has made in the kernel, under the run directory: gone at reboot, as that is. A record is written before the thing
/// is made and removed after it is gone, so whatever is there has a record or carries the agent's name without one.
/// </summary>
internal sealed class AttachmentStore(string runDir)
{
    private readonly string _root = Path.Combine(runDir, "networks");

    private string Bridges => Path.Combine(_root, "bridges.json");

    public string FolderOf(Attachment attachment) => Path.Combine(_root, attachment.Slot.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public string FileOf(Attachment attachment, string name) => Path.Combine(FolderOf(attachment), name);

    public void Save(Attachment attachment)
    {
        Directory.CreateDirectory(FolderOf(attachment));
        AtomicFile.Write(FileOf(attachment, "attachment.json"), JsonSerializer.SerializeToUtf8Bytes(attachment, AttachmentJson.Default.Attachment), durable: false);
    }

    /// <summary>A file for the containers, readable by whoever runs in them.</summary>
    public void SaveFile(Attachment attachment, string name, string text)
    {
        var path = FileOf(attachment, name);
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    public void Remove(Attachment attachment)
    {
        try
        {
            Directory.Delete(FolderOf(attachment), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
    }

    /// <summary>All that can be read. What can't has no members that anybody knows; its parts are found by their names.</summary>
    public IReadOnlyList<Attachment> Load()
    {
        var found = new List<Attachment>();
        if (!Directory.Exists(_root))
        {
            return found;
        }
        foreach (var folder in Directory.EnumerateDirectories(_root))
        {
            if (Read(Path.Combine(folder, "attachment.json"), AttachmentJson.Default.Attachment) is { Id: not null, Links: not null, Members: not null } attachment
                && FolderOf(attachment) == folder)
            {
                found.Add(attachment);
            }
            else
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return found;
    }

    public void SaveBridges(IEnumerable<BridgeRecord> bridges)
    {
        Directory.CreateDirectory(_root);
        AtomicFile.Write(Bridges, JsonSerializer.SerializeToUtf8Bytes(bridges.ToList(), BridgeJson.Default.ListBridgeRecord), durable: false);
    }

    public IReadOnlyList<BridgeRecord> LoadBridges() => Read(Bridges, BridgeJson.Default.ListBridgeRecord) ?? [];

    /// <summary>For when nothing is left.</summary>
    public void RemoveAll()
    {
        try
        {
            Directory.Delete(_root, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
    }

    private static T? Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
