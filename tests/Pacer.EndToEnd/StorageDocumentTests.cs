using System.Diagnostics;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>The examples of docs/storage.md and docs/secrets.md.</summary>
public sealed class StorageDocumentTests
{
    [Fact]
    public async Task StoragePage_ItsExamples_Work()
    {
        SkipWithoutIsolation();
        var root = Directory.CreateTempSubdirectory("pacer-e2e-storage-").FullName;
        var page = (await PageExamples.ReadAsync("storage.md"))
            .Replace("/srv/nas", root + "/nas", StringComparison.Ordinal).Replace("/run/nas", root + "/mounted", StringComparison.Ordinal)
            .Replace("/mnt/ssd", root + "/ssd", StringComparison.Ordinal);
        var program = root + "/nas-volume";
        await File.WriteAllTextAsync(program, Regex.Match(page, "```sh\n(#!/bin/sh.*?)```", RegexOptions.Singleline).Groups[1].Value);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (var directory in (string[])["/local", "/data", "/ssd"])
        {
            Directory.CreateDirectory(root + directory);
        }
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=64m", "pacer-ssd", root + "/ssd");
        try
        {
            await using (var cluster = await Cluster.StartAsync("--local-volumes", root + "/local", "--volume-driver", "nas=" + program,
                "--volume-disk", $"path:{root}/data,size=64", "--volume-disk", $"mount:{root}/ssd,profile=fast"))
            {
                await PageExamples.RunAsync(cluster, page, 5);
            }
            await RunAsync("umount", root + "/ssd");
            await Api.Until(() => Task.FromResult(!File.ReadAllText("/proc/self/mountinfo").Contains(root, StringComparison.Ordinal)), "nothing is mounted any more");
            Assert.Equal("kept\n", await File.ReadAllTextAsync(root + "/local/rows/f"));
            Assert.Equal("kept\n", await File.ReadAllTextAsync(root + "/nas/mail/f"));
        }
        finally
        {
            if (File.ReadAllText("/proc/self/mountinfo").Contains(root + "/ssd", StringComparison.Ordinal))
            {
                await RunAsync("umount", "-l", root + "/ssd");
            }
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task SecretsPage_ItsExamples_Work()
    {
        SkipWithoutIsolation();
        await using var cluster = await Cluster.StartAsync();
        var outputs = await PageExamples.RunAsync(cluster, await PageExamples.ReadAsync("secrets.md"), 2);
        Assert.DoesNotContain("s3cr3t", outputs[0]);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static void SkipWithoutIsolation()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipUnless(File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/conmon"), "needs crun and conmon");
    }
}
