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
            .Replace("/srv/nas", root + "/nas", StringComparison.Ordinal).Replace("/run/nas", root + "/mounted", StringComparison.Ordinal);
        var program = root + "/nas-volume";
        await File.WriteAllTextAsync(program, Regex.Match(page, "```sh\n(#!/bin/sh.*?)```", RegexOptions.Singleline).Groups[1].Value);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Directory.CreateDirectory(root + "/local");
        try
        {
            await using var cluster = await Cluster.StartAsync("--local-volumes", root + "/local", "--volume-driver", "nas=" + program);
            await PageExamples.RunAsync(cluster, page, 4);
            await Api.Until(() => Task.FromResult(!File.ReadAllText("/proc/self/mountinfo").Contains(root, StringComparison.Ordinal)), "nothing is mounted any more");
            Assert.Equal("kept\n", await File.ReadAllTextAsync(root + "/local/rows/f"));
            Assert.Equal("kept\n", await File.ReadAllTextAsync(root + "/nas/mail/f"));
        }
        finally
        {
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

    private static void SkipWithoutIsolation()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipUnless(File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/conmon"), "needs crun and conmon");
    }
}
