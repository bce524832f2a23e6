using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Checks;
using Pacer.Agent.Node;
using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checkpoints;

/// <summary>
/// What the agent must find again after <c>kill -9</c>: two small files a task under <c>tasks/</c>. <c>NAME.spec</c> is the order as
/// it came (written once), <c>NAME.state</c> the <see cref="TaskSnapshot"/>. Two, so that the large part is neither written again
/// with each change nor kept in memory.
/// <para>
/// Which writes reach the disk and which only the kernel: a process that dies, however, takes nothing with it from the page cache,
/// and only a machine that dies does. Then all containers are gone as well, and a task without a checkpoint is, like them, simply
/// not in the agent's report, which is what the server needs to know. So nothing is flushed on the way to a running container.
/// A terminal status is flushed: it is the only place that knows the exit code.
/// </para>
/// </summary>
internal sealed partial class TaskCheckpoints(string directory, ILogger logger)
{
    private const int LongestName = 180;

    /// <summary>File name for a task id: the id itself unless it is too long for one.</summary>
    public static string FileName(string taskId) => taskId.Length <= LongestName
        ? taskId
        : $"{taskId[..(LongestName - 33)]}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(taskId)).AsSpan(0, 16))}";

    /// <summary>Keeps the spec without the contents of secrets, which have no place on a disk.</summary>
    public void SaveSpec(TaskSpec spec)
    {
        var kept = spec;
        if (spec.SecretEnvironment.Count > 0 || spec.Image is { DockerConfig.IsEmpty: false } || spec.Mounts.Any(mount => mount.IsSecret))
        {
            kept = spec.Clone();
            if (kept.Image is { } image)
            {
                image.DockerConfig = ByteString.Empty;
            }
            foreach (var name in spec.SecretEnvironment.Keys)
            {
                kept.SecretEnvironment[name] = "";
            }
            foreach (var mount in kept.Mounts)
            {
                mount.Secret = ByteString.Empty;
            }
            kept.SecretsWithheld = true;
        }
        AtomicFile.Write(SpecPath(spec.TaskId), kept.ToByteArray(), durable: false);
    }

    public void SaveState(TaskSnapshot task) =>
        AtomicFile.Write(
            StatePath(task.TaskId),
            JsonSerializer.SerializeToUtf8Bytes(new StateFile(1, task), CheckpointJson.Default.StateFile),
            durable: task.Phase == TaskPhase.Ended);

    /// <summary>The spec of a known task; null when its file is unreadable.</summary>
    public TaskSpec? ReadSpec(string taskId)
    {
        try
        {
            var spec = TaskSpec.Parser.ParseFrom(File.ReadAllBytes(SpecPath(taskId)));
            return spec.TaskId == taskId ? spec : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidProtocolBufferException)
        {
            return null;
        }
    }

    public void Remove(string taskId)
    {
        // State first: a state without spec would be a corrupt checkpoint, a spec without state is a launch that never began.
        File.Delete(StatePath(taskId));
        File.Delete(SpecPath(taskId));
    }

    /// <summary>
    /// Reads all. A file that makes no sense is set aside as <c>….corrupt</c> and logged; its container, if any, then belongs to
    /// nobody and is removed as an orphan.
    /// </summary>
    public IReadOnlyList<TaskSnapshot> LoadAll()
    {
        var tasks = new List<TaskSnapshot>();
        foreach (var path in Directory.EnumerateFiles(directory))
        {
            switch (Path.GetExtension(path))
            {
                case ".tmp":
                    File.Delete(path);
                    break;
                case ".state":
                    if (ReadState(path) is { } task)
                    {
                        tasks.Add(task);
                    }
                    else
                    {
                        SetAside(path);
                        SetAside(Path.ChangeExtension(path, ".spec"));
                    }
                    break;
                case ".spec" when !File.Exists(Path.ChangeExtension(path, ".state")):
                    // The agent died between the two files of a launch, or of a removal: nothing was started, nothing is owed.
                    File.Delete(path);
                    break;
            }
        }
        return tasks;
    }

    private TaskSnapshot? ReadState(string path)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), CheckpointJson.Default.StateFile);
            return file is { Version: 1, Task: { Status: not null, ContainerId: not null } task }
                && FileName(task.TaskId) == Path.GetFileNameWithoutExtension(path)
                && ReadSpec(task.TaskId) is not null
                ? task
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private void SetAside(string path)
    {
        if (File.Exists(path))
        {
            LogCorrupt(path);
            File.Move(path, path + ".corrupt", overwrite: true);
        }
    }

    private string SpecPath(string taskId) => Path.Combine(directory, FileName(taskId) + ".spec");

    private string StatePath(string taskId) => Path.Combine(directory, FileName(taskId) + ".state");

    [LoggerMessage(2101, LogLevel.Error, "The checkpoint {Path} is damaged; set aside as {Path}.corrupt")]
    private partial void LogCorrupt(string path);
}

/// <param name="Version">Of the format, for later readers.</param>
internal sealed record StateFile(int Version, TaskSnapshot Task);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(StateFile))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
