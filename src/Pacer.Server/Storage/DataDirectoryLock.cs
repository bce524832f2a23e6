using System.Globalization;

namespace Pacer.Server.Storage;

/// <summary>Keeps a second server out of a data directory for as long as this process lives; the kernel drops the lock with it.</summary>
internal sealed class DataDirectoryLock : IDisposable
{
    private readonly FileStream _lock;
    private readonly string _pidPath;

    private DataDirectoryLock(FileStream @lock, string pidPath)
    {
        _lock = @lock;
        _pidPath = pidPath;
    }

    /// <summary>Creates the directory if it is missing (mode 0700). Throws <see cref="StoreOpenException"/>.</summary>
    public static DataDirectoryLock Acquire(string dataDir)
    {
        var lockPath = Path.Combine(dataDir, "lock");
        // The pid lies beside the lock, because the lock file itself can't be opened by others while it is held.
        var pidPath = Path.Combine(dataDir, "server.pid");
        try
        {
            Directory.CreateDirectory(dataDir, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreOpenException($"The data directory {dataDir} can't be created: {Reason(e)}. Choose another with --data-dir.", e);
        }

        FileStream stream;
        try
        {
            stream = new FileStream(lockPath, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                BufferSize = 0,
            });
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreOpenException(
                $"The data directory {dataDir} is not writable by this user. Change its owner or choose another with --data-dir.", e);
        }
        catch (IOException e)
        {
            // .NET reports a lock held elsewhere as EWOULDBLOCK (11 on Linux).
            if ((e.HResult & 0xFFFF) != 11)
            {
                throw new StoreOpenException($"{lockPath} can't be opened: {Reason(e)}. Choose another data directory with --data-dir.", e);
            }
            var holder = ReadPid(pidPath) is { } pid ? $"process {pid}" : "another process";
            throw new StoreOpenException(
                $"The data directory {dataDir} is in use by {holder}. Stop that server first, or start this one with another --data-dir.", e);
        }

        try
        {
            File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            stream.Dispose();
            throw new StoreOpenException($"{pidPath} can't be written: {Reason(e)}.", e);
        }
        return new DataDirectoryLock(stream, pidPath);
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_pidPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Only a courtesy to whoever looks next; the lock alone decides.
        }
        _lock.Dispose();
    }

    private static string? ReadPid(string pidPath)
    {
        try
        {
            var text = File.ReadAllText(pidPath).Trim();
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Reason(Exception e) => e is UnauthorizedAccessException ? "permission denied" : e.Message.TrimEnd('.');
}
