using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Pacer.Server.Storage;

/// <summary>
/// The whole state as one file: a copy of the store at one moment, made while the server runs or not, and put back while it does not.
/// </summary>
public static class StateBackup
{
    /// <summary>What the state was before the last restore, beside the store.</summary>
    public const string Before = SqliteStateStore.FileName + ".before-restore";

    private const string Restoring = SqliteStateStore.FileName + ".restoring";

    /// <summary>A path as it is, or of a <c>file:</c> URI; false for what is neither or not absolute.</summary>
    public static bool TryPath(string text, [NotNullWhen(true)] out string? path)
    {
        path = text.StartsWith("file:", StringComparison.OrdinalIgnoreCase)
            ? Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { IsFile: true, Host: "" } ? uri.LocalPath : null
            : text;
        if (path is null || !Path.IsPathFullyQualified(path) || path.Contains('\0') || path.EndsWith('/'))
        {
            path = null;
            return false;
        }
        path = Path.GetFullPath(path);
        return true;
    }

    /// <summary>Throws <see cref="BackupException"/> when a backup can't be written there. A backup may replace another, and nothing else.</summary>
    public static void CheckTarget(string dataDir, string file)
    {
        if (Directory.Exists(file))
        {
            throw new BackupException($"{file} is a directory. Name a file in it.");
        }
        var directory = Path.GetDirectoryName(file);
        if (!Directory.Exists(directory))
        {
            throw new BackupException($"The directory {directory} does not exist. Create it first, or name a file elsewhere.");
        }
        if (directory == dataDir && Path.GetFileName(file).StartsWith(SqliteStateStore.FileName, StringComparison.Ordinal))
        {
            throw new BackupException($"{file} belongs to the state itself. Name a file elsewhere.");
        }
        if (File.Exists(file) && new FileInfo(file).Length > 0)
        {
            try
            {
                using var connection = Open(file, "ro&immutable=1");
                SqliteStateStore.ReadFormat(connection);
            }
            catch (Exception e) when (e is SqliteException or BackupException or StoreOpenException)
            {
                throw new BackupException($"{file} exists and is not a backup of Pacer. Name another file.", e);
            }
        }
    }

    /// <summary>
    /// Writes the state of DATA_DIR to a file: one moment of it, also while a server runs. The file is there wholly or not at all.
    /// Throws <see cref="BackupException"/>.
    /// </summary>
    public static void Create(string dataDir, string file)
    {
        CheckTarget(dataDir, file);
        var store = Path.Combine(dataDir, SqliteStateStore.FileName);
        if (!File.Exists(store))
        {
            throw new BackupException($"There is no state in {dataDir}. Name the server's data directory with --data-dir.");
        }
        var partial = $"{file}.partial-{Environment.ProcessId}";
        try
        {
            CreateEmpty(partial);
            using (var source = Open(store, "ro"))
            using (var copy = source.CreateCommand())
            {
                SqliteStateStore.ReadFormat(source);
                copy.CommandText = "VACUUM INTO $file";
                copy.Parameters.AddWithValue("$file", partial);
                copy.ExecuteNonQuery();
            }
            Verify(partial);
            FileSync.Flush(partial);
            File.Move(partial, file, overwrite: true);
            FileSync.Flush(Path.GetDirectoryName(file)!);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or StoreOpenException)
        {
            throw new BackupException($"The backup {file} can't be written: {Reason(e)}", e);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Reads the whole backup and rebuilds the state from it, in memory. Throws <see cref="BackupException"/>.</summary>
    public static void Check(string file)
    {
        if (!File.Exists(file))
        {
            throw new BackupException($"There is no backup {file}.");
        }
        var journal = new FileInfo(file + "-wal");
        if (journal is { Exists: true, Length: > 0 })
        {
            throw new BackupException($"{file} has a {Path.GetFileName(file)}-wal beside it, so it is a store in use and not a backup. Make a backup of it with 'pacer backup'.");
        }
        try
        {
            Verify(file);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or StoreOpenException)
        {
            throw new BackupException($"{file} can't be restored: {Reason(e)} Nothing was changed.", e);
        }
    }

    /// <summary>
    /// Makes the backup the state of DATA_DIR, once all of it is known to be good. What was there stays beside it as <see cref="Before"/>.
    /// Throws <see cref="BackupException"/>; also when a server runs there. A crash leaves the old state or the new one.
    /// </summary>
    public static void Restore(string dataDir, string file)
    {
        DataDirectoryLock held;
        try
        {
            held = DataDirectoryLock.Acquire(dataDir);
        }
        catch (StoreOpenException e)
        {
            throw new BackupException(e.Message + " A running server restores by itself: DELETE /v2/leader?restore=file:///PATH.", e);
        }
        using (held)
        {
            var store = Path.Combine(dataDir, SqliteStateStore.FileName);
            var restoring = Path.Combine(dataDir, Restoring);
            Check(file);
            try
            {
                CreateEmpty(restoring);
                File.Copy(file, restoring, overwrite: true);
                File.SetUnixFileMode(restoring, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                Verify(restoring);
                FileSync.Flush(restoring);
                KeepOld(dataDir, store);
                File.Move(restoring, store, overwrite: true);
                FileSync.Flush(dataDir);
            }
            catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or StoreOpenException)
            {
                throw new BackupException($"{file} can't be restored: {Reason(e)} The state is what it was.", e);
            }
            finally
            {
                File.Delete(restoring);
            }
        }
    }

    // The write-ahead log must be gone before another file takes the store's name: SQLite would play it into that one.
    private static void KeepOld(string dataDir, string store)
    {
        var before = Path.Combine(dataDir, Before);
        if (!File.Exists(store))
        {
            return;
        }
        foreach (var old in (ReadOnlySpan<string>)[before, before + "-wal", before + "-shm"])
        {
            File.Delete(old);
        }
        try
        {
            // The last connection to close writes the log into the file and removes it.
            using var connection = Open(store, "rw");
            using var checkpoint = connection.CreateCommand();
            checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            checkpoint.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // A damaged store is what a restore is for: it is kept with its log as it is.
        }
        File.Copy(store, before);
        foreach (var part in (ReadOnlySpan<string>)["-wal", "-shm"])
        {
            if (File.Exists(store + part))
            {
                File.Move(store + part, before + part);
            }
        }
        FileSync.Flush(before);
    }

    private static void Verify(string file)
    {
        using var connection = Open(file, "ro&immutable=1");
        SqliteStateStore.ReadFormat(connection);
        using var check = connection.CreateCommand();
        check.CommandText = "PRAGMA integrity_check(1)";
        if (check.ExecuteScalar() as string is not "ok")
        {
            throw new StoreOpenException("it is damaged (its integrity check found errors).");
        }
        try
        {
            SqliteStateStore.Read(connection).Rebuild();
        }
        catch (UnreadableRowException e)
        {
            throw new StoreOpenException($"its row {e.Message} can't be read.", e);
        }
        catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException or InvalidOperationException or ArgumentException)
        {
            throw new StoreOpenException("its content can't be read.", e);
        }
    }

    private static SqliteConnection Open(string file, string mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = $"file:{Uri.EscapeDataString(file)}?mode={mode}",
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // Only its owner may read it: definitions hold passwords.
    private static void CreateEmpty(string path)
    {
        File.Delete(path);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    private static string Reason(Exception e) => e switch
    {
        StoreOpenException => e.Message,
        SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_NOTADB } => "it is not a backup of Pacer (not an SQLite database).",
        SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_CORRUPT } => "it is damaged.",
        SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_FULL } => "no space is left on the disk.",
        SqliteException sqlite => $"SQLite error {sqlite.SqliteErrorCode}.",
        UnauthorizedAccessException => "permission denied.",
        _ => e.Message.TrimEnd('.') + ".",
    };
}

/// <summary>A backup can't be made or restored. <see cref="Exception.Message"/> is fit for users.</summary>
public sealed class BackupException(string message, Exception? inner = null) : Exception(message, inner);
