namespace Pacer.Agent.Containers;

/// <summary>Finds out before a start whether the command exists, for a message that names it.</summary>
internal static class CommandLookup
{
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Null when the command can be executed or nobody can tell; else what is wrong.</summary>
    /// <param name="hostPath">Turns a path in the container into one on the host; null where it can't be looked at.</param>
    public static string? Problem(string command, string path, string workingDirectory, Func<string, string?> hostPath)
    {
        if (command.Length == 0)
        {
            return "exec: the command is empty";
        }

        if (command.Contains('/'))
        {
            return hostPath(Path.GetFullPath(command, workingDirectory)) is not { } file || IsExecutable(file) ? null
                : Directory.Exists(file) ? $"exec: '{command}' is a directory"
                : File.Exists(file) ? $"exec: '{command}' is not executable"
                : $"exec: '{command}' not found";
        }

        var refused = false;
        foreach (var directory in path.Split(':'))
        {
            if (hostPath(Path.GetFullPath(Path.Combine(directory, command), workingDirectory)) is not { } file || IsExecutable(file))
            {
                return null;
            }

            refused |= File.Exists(file);
        }

        return refused ? $"exec: '{command}' is not executable" : $"exec: '{command}' not found (PATH is {path})";
    }

    private static bool IsExecutable(string file)
    {
        try
        {
            return File.Exists(file) && (File.GetUnixFileMode(file) & AnyExecute) != 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
