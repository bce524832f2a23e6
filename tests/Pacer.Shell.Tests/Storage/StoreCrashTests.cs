using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Storage;

namespace Pacer.Shell.Tests.Storage;

public sealed class StoreCrashTests
{
    private const string ChildVariable = "PACER_TEST_STORE_CHILD";

    // The child is this very test program: with the variable set it commits until it is killed, and tells every commit that returned.
    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is not { } dir)
        {
            return;
        }
        using var store = SqliteStateStore.Open(dir);
        var output = Console.Out;
        for (var index = store.Load().Index + 1; ; index++)
        {
            store.Commit([new Change.PutRootVersion(new Timestamp(index)), Delay(index)], index);
            output.WriteLine(index.ToString(CultureInfo.InvariantCulture));
            output.Flush();
        }
    }

    [Fact]
    public async Task KilledWhileCommitting_WhatWasAcknowledged_IsThere()
    {
        using var dir = new TempDirectory();
        var acknowledged = 0L;
        for (var round = 0; round < 3; round++)
        {
            acknowledged = await CommitUntilKilledAsync(dir.Path, acknowledged + 20 + round * 13);
            using var store = SqliteStateStore.Open(dir.Path);
            var stored = store.Load();
            Assert.InRange(stored.Index, acknowledged, acknowledged + 1);
            Assert.Contains(new Change.PutRootVersion(new Timestamp(stored.Index)), stored.Changes);
            // All or nothing: as many delays as commits.
            Assert.Equal(stored.Index, stored.Changes.Count - 1);
        }
    }

    private static async Task<long> CommitUntilKilledAsync(string dir, long enough)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(StoreCrashTests).Assembly.Location);
        }
        start.Environment[ChildVariable] = dir;
        using var child = Process.Start(start)!;
        var last = 0L;
        try
        {
            while (last < enough && await child.StandardOutput.ReadLineAsync() is { } line)
            {
                last = long.Parse(line, CultureInfo.InvariantCulture);
            }
        }
        finally
        {
            child.Kill();
        }
        while (await child.StandardOutput.ReadLineAsync() is { } line)
        {
            if (long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var further) && further == last + 1)
            {
                last = further;
            }
        }
        await child.WaitForExitAsync();
        return last;
    }

    private static Change Delay(long index) => new Change.PutLaunchDelay(
        new LaunchDelay(new RunSpecId($"/app{index}"), default, default, default, default, default, false));
}
