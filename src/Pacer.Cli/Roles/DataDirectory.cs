using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pacer.Cli.Roles;

/// <summary>Where a role keeps its state, and what belongs to it elsewhere on the machine.</summary>
internal static class DataDirectory
{
    /// <summary>What help and documentation say of the default.</summary>
    public const string DefaultInWords = "/var/lib/pacer for root, else ~/.local/share/pacer";

    public static string Default(Surroundings surroundings)
    {
        if (Environment.IsPrivilegedProcess)
        {
            return "/var/lib/pacer";
        }
        if (surroundings.Variable("XDG_DATA_HOME") is { Length: > 0 } data)
        {
            return Path.Combine(data, "pacer");
        }
        return surroundings.Variable("HOME") is { Length: > 0 } home
            ? Path.Combine(home, ".local/share/pacer")
            : throw CliException.Usage("There is no home directory to keep state in. Name a place: --data-dir DIR (or PACER_DATA_DIR).");
    }

    /// <summary>Makes it and checks that it can be written to. Returns the absolute path.</summary>
    public static string Open(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            var probe = Path.Combine(full, ".writable");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return full;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"The data directory {full} can't be written to ({exception.Message.TrimEnd('.')}). Name another: --data-dir DIR (or PACER_DATA_DIR), or run as its owner.");
        }
    }

    /// <summary>Bundles and runtime state of this data directory's containers: gone at reboot, told apart from those of other data directories.</summary>
    public static string RunDirectory(string dataDirectory, Surroundings surroundings)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dataDirectory)))[..12];
        if (Environment.IsPrivilegedProcess)
        {
            return "/run/pacer/" + hash;
        }
        var root = surroundings.Variable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime)
            ? Path.Combine(runtime, "pacer")
            : string.Create(CultureInfo.InvariantCulture, $"/tmp/pacer-{Processes.EffectiveUser}");
        return Path.Combine(root, hash);
    }
}
