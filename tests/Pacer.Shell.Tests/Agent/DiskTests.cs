using System.Diagnostics;
using Pacer.Agent;
using Pacer.Agent.Disks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>Disks for volumes beside the agent's own, and limits of what tasks take.</summary>
public sealed class DiskTests
{
    private const string Uuid = "0e6bb4f6-2b4a-4b9c-9b0f-5a8e6f0c7a11";
    private const string Volume = "db#data#" + Uuid;

    [Theory]
    [InlineData("path:/data,size=100", DiskType.DiskPath, "/data", 100, "")]
    [InlineData("mount:/mnt/ssd/, profile=fast", DiskType.DiskMount, "/mnt/ssd", 0, "fast")]
    public void Disk_Written_IsRead(string text, DiskType type, string path, long size, string profile)
    {
        var disk = VolumeDisk.Parse(text);
        Assert.Equal((type, path, size << 20, profile), (disk.Type, disk.Path, disk.SizeBytes, disk.Profile));
    }

    [Theory]
    [InlineData("/data", "must begin with path: or mount:")]
    [InlineData("raw:/data", "must begin with path: or mount:")]
    [InlineData("path:data", "'data' is no absolute path")]
    [InlineData("path:/a/../b", "no absolute path")]
    [InlineData("path:/data,size=0", "'size=0' is no number of MiB")]
    [InlineData("path:/data,size=many", "'size=many' is no number of MiB")]
    [InlineData("path:/data,speed=9", "'speed=9' is neither")]
    [InlineData("path:/data,profile=", "'profile=' is neither")]
    public void Disk_WrittenWrongly_IsRefusedByName(string text, string reason)
    {
        var refusal = Assert.Throws<AgentException>(() => VolumeDisk.Parse(text)).Message;
        Assert.StartsWith($"--volume-disk '{text}': ", refusal);
        Assert.Contains(reason, refusal);
    }

    [Fact]
    public void Disk_ThatIsNotThere_IsRefused()
    {
        var directory = Directory.CreateTempSubdirectory("pacer-disk-test-").FullName;
        try
        {
            Assert.Contains("nothing is mounted at", Assert.Throws<AgentException>(() => VolumeDisk.Find([$"mount:{directory}"])).Message);
            Assert.Contains("there is no directory", Assert.Throws<AgentException>(() => VolumeDisk.Find([$"path:{directory}/none"])).Message);
            Assert.Contains("given twice", Assert.Throws<AgentException>(() => VolumeDisk.Find([$"path:{directory}", $"path:{directory}/"])).Message);
            Assert.True(Assert.Single(VolumeDisk.Find([$"path:{directory}"])).SizeBytes > 0);
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    [Fact]
    public void Size_OfADirectory_CountsBlocksAndFollowsNoLinks()
    {
        var directory = Directory.CreateTempSubdirectory("pacer-size-test-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(directory, "below"));
            File.WriteAllBytes(Path.Combine(directory, "below", "file"), new byte[300_000]);
            File.CreateSymbolicLink(Path.Combine(directory, "out"), "/usr");
            using (var sparse = File.Create(Path.Combine(directory, "sparse")))
            {
                sparse.SetLength(1L << 30);
            }
            Assert.InRange(DirectorySize.Of(directory), 300_000, 400_000);
            Assert.Equal(0, DirectorySize.Of(Path.Combine(directory, "none")));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Volume_OnADisk_KeepsItsDataThereUntilItIsWiped()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        var disk = Path.Combine(bench.Root, "disk");
        var data = Path.Combine(disk, "pacer-volumes", Uuid);
        Directory.CreateDirectory(disk);
        bench.Options = bench.Options with { VolumeDisks = [$"path:{disk},size=100,profile=slow"] };
        await bench.StartAgentAsync();
        var told = Assert.Single(bench.Server.LastRegistration.Disks);
        Assert.Equal((disk, 100L << 20, "slow"), (told.Path, told.SizeBytes, told.Profile));

        bench.Server.Launch(AgentBench.Shell("db.1", $"echo row >> {data}/rows", spec => Mount(spec, disk)));
        await bench.Server.WaitForAsync("db.1", TaskState.TaskFinished);
        bench.Server.Launch(AgentBench.Shell("db.2", $"echo row >> {data}/rows", spec => Mount(spec, disk)));
        await bench.Server.WaitForAsync("db.2", TaskState.TaskFinished);
        Assert.Equal("row\nrow\n", File.ReadAllText(Path.Combine(data, "rows")));

        bench.Server.Send(new ServerMessage { WipeVolumes = new WipeVolumes { Ids = { Volume } } });
        await AgentBench.UntilAsync(() => !Directory.Exists(data), "the data is not wiped");
        Assert.True(Directory.Exists(disk));
    }

    [Fact]
    public async Task Volume_WhoseDataIsGone_IsNotMadeAnewInItsPlace()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        var disk = Path.Combine(bench.Root, "disk");
        Directory.CreateDirectory(disk);
        bench.Options = bench.Options with { VolumeDisks = [$"path:{disk}"] };
        await bench.StartAgentAsync();
        bench.Server.Launch(AgentBench.Shell("db.1", "true", spec => Mount(spec, disk)));
        await bench.Server.WaitForAsync("db.1", TaskState.TaskFinished);
        Directory.Move(Path.Combine(disk, "pacer-volumes"), Path.Combine(disk, "away"));

        bench.Server.Launch(AgentBench.Shell("db.2", "true", spec => Mount(spec, disk)));
        Assert.Contains("Is its disk mounted?", (await bench.Server.WaitForAsync("db.2", TaskState.TaskFailed)).Message);
        bench.Server.Launch(AgentBench.Shell("db.3", "true", spec => Mount(spec, "/other")));
        Assert.Contains("was started without --volume-disk for it", (await bench.Server.WaitForAsync("db.3", TaskState.TaskFailed)).Message);
    }

    [Fact]
    public async Task Task_ThatTakesMoreThanItsDisk_EndsAndSaysSo()
    {
        await using var bench = await AgentBench.StartAsync(change: options => options with { DiskLookInterval = TimeSpan.FromMilliseconds(100) });
        bench.Server.Launch(AgentBench.Shell("web.1", "head -c 3000000 /dev/urandom > much; exec sleep 1000", spec => spec.Resources.DiskBytes = 2 << 20));
        bench.Server.Launch(AgentBench.Shell("ok.1", "head -c 1000000 /dev/urandom > some; exec sleep 1000", spec => spec.Resources.DiskBytes = 2 << 20));
        bench.Server.Launch(AgentBench.Shell("any.1", "head -c 3000000 /dev/urandom > much; exec sleep 1000"));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        Assert.Equal("REASON_CONTAINER_LIMITATION_DISK", end.Reason);
        Assert.StartsWith("Disk limit exceeded: the sandbox takes 2.9 of 2 MiB", end.Message);
        Assert.Equal(TaskState.TaskRunning, bench.Server.Of("ok.1")[^1].State);
        Assert.Equal(TaskState.TaskRunning, bench.Server.Of("any.1")[^1].State);
    }

    [Fact]
    public async Task Volume_ThatIsOverfull_EndsItsTask()
    {
        await using var bench = await AgentBench.StartAsync(change: options => options with { DiskLookInterval = TimeSpan.FromMilliseconds(100) });
        var data = Path.Combine(bench.Options.WorkDir, "volumes", Uuid, "data");
        bench.Server.Launch(AgentBench.Shell("db.1", $"head -c 3000000 /dev/urandom > {data}/much; exec sleep 1000", spec =>
        {
            Mount(spec, "");
            spec.Resources.DiskBytes = 1 << 20;
        }));
        Assert.Contains("the volume data takes 2.9 of 1 MiB", (await bench.Server.WaitForAsync("db.1", TaskState.TaskFailed)).Message);
        Assert.True(File.Exists(Path.Combine(data, "much")));
    }

    [Fact]
    public async Task Quota_WhereTheFileSystemHasThem_RefusesMoreThanTheLimit()
    {
        await using var image = await QuotaFileSystem.TryMountAsync();
        if (image is null)
        {
            Assert.Skip("no ext4 with project quotas can be mounted here (root, mkfs.ext4, loop devices and a kernel with CONFIG_QFMT_V2)");
        }
        var quota = new ProjectQuota(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var limited = Path.Combine(image.Root, "limited");
        Directory.CreateDirectory(limited);
        Assert.True(quota.TryLimit(image.Root, limited, 2 << 20));
        File.WriteAllBytes(Path.Combine(limited, "some"), new byte[1 << 20]);
        Assert.ThrowsAny<IOException>(() => File.WriteAllBytes(Path.Combine(limited, "much"), new byte[2 << 20]));
        File.WriteAllBytes(Path.Combine(image.Root, "beside"), new byte[4 << 20]);
        quota.Release(limited);
        File.WriteAllBytes(Path.Combine(limited, "much"), new byte[2 << 20]);
    }

    [Fact]
    public void Quota_WhereTheFileSystemHasNone_IsNotPretended()
    {
        var root = Directory.CreateDirectory($"/dev/shm/pacer-quota-test-{Environment.ProcessId}").FullName;
        try
        {
            Assert.False(new ProjectQuota(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).TryLimit(root, root, 1 << 20));
            Assert.Empty(Directory.EnumerateFileSystemEntries(root));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static void Mount(TaskSpec spec, string disk) => spec.Mounts.Add(new Mount
    {
        Source = "data",
        Destination = "data",
        Volume = new PersistentVolume { Id = Volume, InstanceId = "db.instance", SizeBytes = 1 << 20, Disk = disk },
    });

    /// <summary>An ext4 with project quotas in a file.</summary>
    private sealed class QuotaFileSystem(string directory) : IAsyncDisposable
    {
        public string Root => Path.Combine(directory, "mounted");

        public static async Task<QuotaFileSystem?> TryMountAsync()
        {
            var made = new QuotaFileSystem(Directory.CreateTempSubdirectory("pacer-quota-fs-").FullName);
            var image = Path.Combine(made.Root, "..", "image");
            Directory.CreateDirectory(made.Root);
            await using (var file = File.Create(image))
            {
                file.SetLength(64 << 20);
            }
            if (await RunAsync("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", image) && await RunAsync("mount", "-o", "loop,prjquota", image, made.Root))
            {
                return made;
            }
            Directory.Delete(Path.Combine(made.Root, ".."), recursive: true);
            return null;
        }

        public async ValueTask DisposeAsync()
        {
            await RunAsync("umount", Root);
            Directory.Delete(directory, recursive: true);
        }

        private static async Task<bool> RunAsync(string program, params string[] arguments)
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
                await process.WaitForExitAsync();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }
}
