using System.Globalization;
using Google.Protobuf;
using Microsoft.Data.Sqlite;
using Pacer.Core.Cluster;
using Pacer.Server.Loop;
using static SQLitePCL.raw;

namespace Pacer.Server.Storage;

/// <summary>
/// The embedded store: one SQLite file in WAL mode with synchronous=FULL, one table of rows, one transaction a commit.
/// One process has it open at a time (<see cref="DataDirectoryLock"/>); one thread uses it at a time.
/// </summary>
internal sealed class SqliteStateStore : IStateStore
{
    /// <summary>Version of tables and rows. A store with a higher one was written by a newer Pacer and is left alone.</summary>
    public const int Format = 1;

    public const string FileName = "state.db";

    // Above this size only the pages that loading touches are verified: a full check would delay every start.
    private const long QuickCheckLimitBytes = 8 * 1024 * 1024;

    private readonly string _path;
    private readonly DataDirectoryLock _lock;
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _putIndex;

    private SqliteStateStore(string path, DataDirectoryLock @lock, SqliteConnection connection)
    {
        _path = path;
        _lock = @lock;
        _connection = connection;
        _begin = Command("BEGIN IMMEDIATE");
        _commit = Command("COMMIT");
        _put = Command("INSERT INTO entries(kind, key, value) VALUES($kind, $key, $value) ON CONFLICT(kind, key) DO UPDATE SET value = excluded.value",
            ("$kind", SqliteType.Integer), ("$key", SqliteType.Text), ("$value", SqliteType.Blob));
        _delete = Command("DELETE FROM entries WHERE kind = $kind AND key = $key", ("$kind", SqliteType.Integer), ("$key", SqliteType.Text));
        _putIndex = Command("UPDATE meta SET value = $value WHERE key = 'index'", ("$value", SqliteType.Text));
    }

    public required string ClusterId { get; init; }

    /// <summary>Opens or creates DATA_DIR/state.db. Throws <see cref="StoreOpenException"/>; a file that can't be used is never changed.</summary>
    public static SqliteStateStore Open(string dataDir)
    {
        var directoryLock = DataDirectoryLock.Acquire(dataDir);
        var path = Path.Combine(dataDir, FileName);
        SqliteConnection? connection = null;
        try
        {
            var isNew = CreateFile(path);
            connection = Connect(path);
            var clusterId = isNew ? Initialize(connection) : Check(connection, path);
            return new SqliteStateStore(path, directoryLock, connection) { ClusterId = clusterId };
        }
        catch (Exception e)
        {
            connection?.Dispose();
            directoryLock.Dispose();
            throw e switch
            {
                SqliteException { SqliteErrorCode: SQLITE_CORRUPT or SQLITE_NOTADB } => Damaged(path, "it is not an intact SQLite database", e),
                SqliteException sqlite => new StoreOpenException($"The state store {path} can't be opened: {sqlite.Message.TrimEnd('.')}.", e),
                UnauthorizedAccessException => new StoreOpenException($"The state store {path} is not readable and writable by this user.", e),
                IOException => new StoreOpenException($"The state store {path} can't be created: {e.Message.TrimEnd('.')}.", e),
                _ => e,
            };
        }
    }

    public StoredState Load()
    {
        try
        {
            return Read(_connection);
        }
        catch (UnreadableRowException e)
        {
            throw Damaged(_path, $"the row {e.Message} can't be read", e.InnerException);
        }
        catch (Exception e) when (e is SqliteException or FormatException or InvalidCastException or OverflowException)
        {
            throw Damaged(_path, "its content can't be read", e);
        }
    }

    /// <summary>Everything in a store or a copy of one. Throws <see cref="UnreadableRowException"/> naming the row that can't be read.</summary>
    internal static StoredState Read(SqliteConnection connection)
    {
        var changes = new List<Change>();
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT kind, key, value FROM entries ORDER BY kind, key";
        using var reader = select.ExecuteReader();
        while (reader.Read())
        {
            var kind = (EntryKind)reader.GetInt32(0);
            try
            {
                changes.Add(EntryCodec.Decode(kind, reader.GetFieldValue<byte[]>(2)));
            }
            catch (Exception e) when (e is InvalidProtocolBufferException or FormatException or InvalidCastException)
            {
                throw new UnreadableRowException($"{kind} '{reader.GetString(1)}'", e);
            }
        }
        return new StoredState(changes, long.Parse(ReadMeta(connection, "index") ?? "0", CultureInfo.InvariantCulture));
    }

    /// <summary>Checks that a database is a store in a known format. Throws <see cref="StoreOpenException"/> with the reason alone.</summary>
    internal static void ReadFormat(SqliteConnection connection)
    {
        if (ReadScalar(connection, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'entries')") != "2"
            || !int.TryParse(ReadMeta(connection, "format"), NumberStyles.None, CultureInfo.InvariantCulture, out var format)
            || ReadMeta(connection, "cluster_id") is null)
        {
            throw new StoreOpenException("it is a database, but not Pacer's state.");
        }
        if (format > Format)
        {
            throw new StoreOpenException($"it has format {format}, and this Pacer knows formats up to {Format}. Use the newer Pacer that wrote it.");
        }
    }

    public void Commit(IReadOnlyList<Change> changes, long index)
    {
        try
        {
            RollBack();
            _begin.ExecuteNonQuery();
            for (var i = 0; i < changes.Count; i++)
            {
                Write(EntryCodec.Encode(changes[i]));
            }
            _putIndex.Parameters[0].Value = index.ToString(CultureInfo.InvariantCulture);
            _putIndex.ExecuteNonQuery();
            _commit.ExecuteNonQuery();
        }
        catch (Exception e)
        {
            RollBack();
            if (e is SqliteException sqlite)
            {
                throw new StoreUnavailableException(DescribeFailure(sqlite), sqlite);
            }
            throw;
        }
    }

    public void Dispose()
    {
        _begin.Dispose();
        _commit.Dispose();
        _put.Dispose();
        _delete.Dispose();
        _putIndex.Dispose();
        _connection.Dispose();
        _lock.Dispose();
    }

    private void Write(Entry entry)
    {
        var command = entry.Value is null ? _delete : _put;
        command.Parameters[0].Value = (int)entry.Kind;
        command.Parameters[1].Value = entry.Key;
        if (entry.Value is { } value)
        {
            command.Parameters[2].Value = value;
        }
        command.ExecuteNonQuery();
    }

    private void RollBack()
    {
        // SQLite has rolled back by itself after some errors (disk full, I/O); then there is nothing left to undo.
        if (sqlite3_get_autocommit(_connection.Handle) != 0)
        {
            return;
        }
        try
        {
            using var rollBack = Command("ROLLBACK");
            rollBack.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // The error that led here is the one to report; the next commit begins with another attempt to roll back.
        }
    }

    private string DescribeFailure(SqliteException e) => e.SqliteErrorCode switch
    {
        SQLITE_FULL => $"The state store is full: no space left on the disk of {_path}. Free some space and repeat; nothing was changed.",
        SQLITE_IOERR => $"The state store could not be written: I/O error on {_path}. Check the disk and repeat; nothing was changed.",
        SQLITE_READONLY => $"The state store {_path} is read-only. Make it writable and repeat; nothing was changed.",
        SQLITE_CORRUPT or SQLITE_NOTADB => $"The state store {_path} is damaged. Restore a backup; nothing was changed.",
        _ => $"The state store {_path} could not be written (SQLite error {e.SqliteErrorCode}). Nothing was changed.",
    };

    private SqliteCommand Command(string text, params ReadOnlySpan<(string Name, SqliteType Type)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var (name, type) in parameters)
        {
            command.Parameters.Add(name, type);
        }
        return command;
    }

    /// <summary>Makes an empty file that only its owner can read; true when there was none or an empty one.</summary>
    private static bool CreateFile(string path)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            BufferSize = 0,
        });
        return file.Length == 0;
    }

    private static SqliteConnection Connect(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static string Initialize(SqliteConnection connection)
    {
        var clusterId = Guid.NewGuid().ToString("D");
        Execute(connection, "PRAGMA page_size = 8192");
        Configure(connection);
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"""
            BEGIN IMMEDIATE;
            CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE entries(kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
            INSERT INTO meta VALUES('format', '{Format}'), ('cluster_id', '{clusterId}'), ('index', '0');
            COMMIT;
            """));
        return clusterId;
    }

    private static string Check(SqliteConnection connection, string path)
    {
        // Reading comes first: nothing is written to a file that turns out not to be ours.
        if (ReadScalar(connection, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'entries')") != "2")
        {
            throw new StoreOpenException(
                $"{path} is a database, but not Pacer's state. Move it aside, or choose another data directory with --data-dir.");
        }
        if (!int.TryParse(ReadMeta(connection, "format"), NumberStyles.None, CultureInfo.InvariantCulture, out var format))
        {
            throw Damaged(path, "it does not tell its format", null);
        }
        if (format > Format)
        {
            throw new StoreOpenException(
                $"The state store {path} has format {format}; this Pacer knows formats up to {Format}. Start it with the newer Pacer that wrote it.");
        }
        if (new FileInfo(path).Length <= QuickCheckLimitBytes && ReadScalar(connection, "PRAGMA quick_check(1)") is var finding && finding != "ok")
        {
            throw Damaged(path, "its check found errors", null);
        }
        Configure(connection);
        return ReadMeta(connection, "cluster_id") ?? throw Damaged(path, "the cluster id is missing", null);
    }

    private static void Configure(SqliteConnection connection)
    {
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, "PRAGMA synchronous = FULL");
        Execute(connection, "PRAGMA wal_autocheckpoint = 1000");
        Execute(connection, "PRAGMA journal_size_limit = 67108864");
    }

    private static string? ReadMeta(SqliteConnection connection, string key) =>
        ReadScalar(connection, $"SELECT value FROM meta WHERE key = '{key}'");

    private static string? ReadScalar(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) is { Length: > 0 } value ? value : null;
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private static StoreOpenException Damaged(string path, string finding, Exception? inner) => new(
        $"The state store {path} is damaged: {finding}. It was left as it is. Restore a backup of it, or move it (with {FileName}-wal and {FileName}-shm) aside to start with an empty cluster.",
        inner);
}

/// <summary>A row of the store holds something else than it should; the message names it.</summary>
internal sealed class UnreadableRowException(string row, Exception inner) : Exception(row, inner);
