using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Roles;

/// <summary>Who runs a role on a data directory, as written beside the lock.</summary>
internal sealed record RoleOwner(ProcessMark Process, string Command, string? Http);

/// <summary>
/// Keeps a second process off a data directory: a lock of the kernel's, which no crash leaves behind, and beside it a file
/// that says who holds it.
/// </summary>
internal sealed class RoleLock : IDisposable
{
    public const string Server = "server";
    public const string Agent = "agent";

    private readonly FileStream _held;
    private readonly string _ownerFile;
    private readonly string _command;

    private RoleLock(FileStream held, string ownerFile, string command)
    {
        _held = held;
        _ownerFile = ownerFile;
        _command = command;
    }

    /// <summary>Throws <see cref="CliException"/> when another process has it.</summary>
    /// <param name="command">The command line's name of the role, for messages: "up", "server", "agent".</param>
    public static RoleLock Take(string dataDirectory, string role, string command)
    {
        if (TryTake(dataDirectory, role, command) is { } taken)
        {
            return taken;
        }
        var owner = Read(dataDirectory, role);
        throw CliException.Usage(
            $"'pacer {owner?.Command ?? command}' runs already on {dataDirectory}{(owner is null ? "" : $" (process {owner.Process.Id}{(owner.Http is null ? "" : ", " + owner.Http)})")}. " +
            $"Stop it with 'pacer down --data-dir {dataDirectory}', or name another --data-dir.");
    }

    /// <summary>Null when another process has it.</summary>
    public static RoleLock? TryTake(string dataDirectory, string role, string command)
    {
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(dataDirectory, role + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
        var result = new RoleLock(held, Path.Combine(dataDirectory, role + ".owner"), command);
        result.Write(null);
        return result;
    }

    public void Write(string? http)
    {
        var mark = Processes.Current;
        var owner = new JsonObject { ["pid"] = mark.Id, ["startTicks"] = mark.StartTicks, ["command"] = _command };
        if (http is not null)
        {
            owner["http"] = http;
        }
        File.WriteAllText(_ownerFile, JsonText.OneLine(owner) + "\n");
    }

    /// <summary>The living process that holds the role; null when there is none.</summary>
    public static RoleOwner? Read(string dataDirectory, string role)
    {
        try
        {
            var node = JsonNode.Parse(File.ReadAllText(Path.Combine(dataDirectory, role + ".owner")));
            var mark = new ProcessMark(node.Count("pid"), (long)node.Number("startTicks"));
            return mark.IsAlive ? new RoleOwner(mark, node.Text("command", role), node.Text("http") is { Length: > 0 } http ? http : null) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        File.Delete(_ownerFile);
        _held.Dispose();
    }
}
