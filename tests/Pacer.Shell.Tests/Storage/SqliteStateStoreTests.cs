using System.Runtime.InteropServices;
using CsCheck;
using Microsoft.Data.Sqlite;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;
using Pacer.Server.Storage;

namespace Pacer.Shell.Tests.Storage;

public sealed class SqliteStateStoreTests : IDisposable
{
    private readonly TempDirectory _dir = new();

    public void Dispose() => _dir.Dispose();

    private string DbPath => _dir.File("state.db");

    private static Change Delay(string id, int seconds) => new Change.PutLaunchDelay(
        new LaunchDelay(new RunSpecId(id), new Timestamp(1), TimeSpan.FromSeconds(seconds), new Timestamp(2), new Timestamp(3), TimeSpan.Zero, false));

    [Fact]
    public void Open_EmptyDirectory_MakesPrivateStoreWithOneId()
    {
        string id;
        using (var store = SqliteStateStore.Open(_dir.Path))
        {
            id = store.ClusterId;
            Assert.Empty(store.Load().Changes);
            Assert.Equal(0, store.Load().Index);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(DbPath));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(DbPath + "-wal"));
        }
        using var again = SqliteStateStore.Open(_dir.Path);
        Assert.Equal(id, again.ClusterId);
    }

    [Fact]
    public void Commit_PutsOverwritesAndDeletes_LastOfEachKeyIsLoaded()
    {
        using (var store = SqliteStateStore.Open(_dir.Path))
        {
            store.Commit([Delay("/a", 1), Delay("/b", 1)], 1);
            store.Commit([Delay("/a", 2), new Change.DeleteLaunchDelay(new RunSpecId("/b")), Delay("/c", 3)], 2);
        }
        using var again = SqliteStateStore.Open(_dir.Path);
        var stored = again.Load();
        Assert.Equal([Delay("/a", 2), Delay("/c", 3)], stored.Changes);
        Assert.Equal(2, stored.Index);
        Assert.Equal(2, stored.Rebuild().LaunchDelays.Count);
    }

    [Fact]
    public void Open_WhileOpenElsewhere_NamesTheProcess()
    {
        using var first = SqliteStateStore.Open(_dir.Path);
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.Path));
        Assert.Contains($"in use by process {Environment.ProcessId}", error.Message);
        first.Commit([Delay("/a", 1)], 1);
    }

    [Fact]
    public void Open_AfterClose_IsFree()
    {
        SqliteStateStore.Open(_dir.Path).Dispose();
        SqliteStateStore.Open(_dir.Path).Dispose();
    }

    [Theory]
    [InlineData("This is not a database, but a text file that somebody put here by mistake. It is long enough to be looked at.")]
    [InlineData("x")]
    public void Open_FileThatIsNoDatabase_IsRefusedAndLeftAlone(string content)
    {
        File.WriteAllText(DbPath, content);
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.Path));
        Assert.Contains(DbPath, error.Message);
        Assert.Contains("aside", error.Message);
        Assert.Equal(content, File.ReadAllText(DbPath));
    }

    [Fact]
    public void Open_DatabaseOfSomethingElse_IsRefusedAndLeftAlone()
    {
        Execute("CREATE TABLE other(x)");
        var before = File.ReadAllBytes(DbPath);
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.Path));
        Assert.Contains("not Pacer's state", error.Message);
        Assert.Equal(before, File.ReadAllBytes(DbPath));
    }

    [Fact]
    public void Open_NewerFormat_AsksForTheNewerPacer()
    {
        SqliteStateStore.Open(_dir.Path).Dispose();
        Execute("UPDATE meta SET value = '2' WHERE key = 'format'");
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.Path));
        Assert.Contains("format 2", error.Message);
        Assert.Contains("newer Pacer", error.Message);
    }

    [Fact]
    public void Open_OverwrittenPages_IsRefused()
    {
        using (var store = SqliteStateStore.Open(_dir.Path))
        {
            store.Commit([.. Enumerable.Range(0, 2000).Select(i => Delay($"/app{i}", i))], 1);
        }
        using (var file = File.OpenWrite(DbPath))
        {
            file.Position = 8192 * 2;
            file.Write(new byte[8192 * 3]);
        }
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.Path));
        Assert.Contains("damaged", error.Message);
        Assert.Contains(DbPath, error.Message);
    }

    [Fact]
    public void Load_RowThatCantBeRead_NamesTheFile()
    {
        SqliteStateStore.Open(_dir.Path).Dispose();
        Execute("INSERT INTO entries VALUES(5, 'a.instance-1', x'FFFFFF')");
        using var store = SqliteStateStore.Open(_dir.Path);
        var error = Assert.Throws<StoreOpenException>(() => store.Load());
        Assert.Contains(DbPath, error.Message);
        Assert.Contains("a.instance-1", error.Message);
    }

    [Fact]
    public void Open_DirectoryThatCantBeMade_SaysSo()
    {
        File.WriteAllText(_dir.File("file"), "");
        var error = Assert.Throws<StoreOpenException>(() => SqliteStateStore.Open(_dir.File("file/data")));
        Assert.Contains("--data-dir", error.Message);
    }

    [Fact]
    public void Commit_DiskFull_RefusesWithReason_AndWorksAgainWithSpace()
    {
        var mount = _dir.File("small");
        Directory.CreateDirectory(mount);
        if (Mount("tmpfs", mount, "tmpfs", 0, "size=1m") != 0)
        {
            Assert.Skip("needs root to mount a small file system");
        }
        try
        {
            using var store = SqliteStateStore.Open(mount);
            store.Commit([Delay("/before", 1)], 1);
            var filler = Path.Combine(mount, "filler");
            Fill(filler);
            var spec = LargeSpec();
            var error = Assert.Throws<StoreUnavailableException>(() => store.Commit(
                [.. Enumerable.Range(0, 200).Select(i => new Change.PutRunSpec(spec with { Id = new RunSpecId($"/app{i}") }))], 2));
            Assert.Contains("no space left", error.Message);
            Assert.Single(store.Load().Changes);

            File.Delete(filler);
            store.Commit([Delay("/after", 1)], 2);
            Assert.Equal(2, store.Load().Changes.Count);
        }
        finally
        {
            Unmount(mount, 0);
        }
    }

    private static RunSpec LargeSpec() => ModelGenerators.Spec.Single() with { Definition = new string('x', 2000) };

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full: as wanted.
        }
    }

    private void Execute(string text)
    {
        using var connection = new SqliteConnection($"Data Source={DbPath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    [DllImport("libc", EntryPoint = "mount")]
    private static extern int Mount(string source, string target, string type, ulong flags, string data);

    [DllImport("libc", EntryPoint = "umount2")]
    private static extern int Unmount(string target, int flags);
}
