using System.Diagnostics;
using Pacer.Agent;
using Pacer.Edge.Balancing.Haproxy;

namespace Pacer.Cli.Roles;

/// <summary>Ends the processes of a data directory and every container that belongs to it. Repeatable; says what it did.</summary>
internal sealed class DownRole(Surroundings surroundings, string dataDirectory)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var terminal = surroundings.Terminal;
        if (!Directory.Exists(dataDirectory))
        {
            terminal.Line($"Nothing to stop: {dataDirectory} does not exist.");
            return ExitCode.Ok;
        }

        var processes = await StopProcessesAsync(cancellationToken);
        // One that outlived its Pacer.
        await HaproxyEngine.EndAsync(LbRole.Directory(dataDirectory, surroundings));
        var (result, late) = await StopContainersAsync(cancellationToken);
        if (result.TasksLeft.Count > 0)
        {
            throw CliException.Usage($"These did not end in time: {string.Join(", ", result.TasksLeft)}. Run 'pacer down' again.");
        }
        terminal.Line((result.TasksKilled + result.LeftoversRemoved) switch
        {
            0 => processes + late == 0 ? $"Nothing to stop on {dataDirectory}: no process and no containers." : "No containers were running.",
            1 => "Stopped 1 container",
            var count => $"Stopped {count} containers",
        });
        return ExitCode.Ok;
    }

    /// <summary>Returns how many it ended.</summary>
    private async Task<int> StopProcessesAsync(CancellationToken cancellationToken)
    {
        var owners = new[] { RoleLock.Read(dataDirectory, RoleLock.Agent), RoleLock.Read(dataDirectory, RoleLock.Server) }
            .OfType<RoleOwner>().DistinctBy(owner => owner.Process).ToList();
        foreach (var owner in owners)
        {
            if (!Processes.Signal(owner.Process, Processes.Terminate) && owner.Process.IsAlive)
            {
                throw CliException.Usage($"'pacer {owner.Command}' (process {owner.Process.Id}) belongs to somebody else. Run 'pacer down' as its owner or as root.");
            }
            await WaitForEndAsync(owner, cancellationToken);
            surroundings.Terminal.Line($"Stopped 'pacer {owner.Command}' (process {owner.Process.Id})");
        }
        return owners.Count;
    }

    /// <summary>Also returns how many processes it ended that had only just begun.</summary>
    private async Task<(TeardownResult Result, int Processes)> StopContainersAsync(CancellationToken cancellationToken)
    {
        var work = Path.Combine(dataDirectory, "agent");
        if (!Directory.Exists(work))
        {
            return (new TeardownResult(0, 0, []), 0);
        }
        var late = 0;
        RoleLock? agentLock; // no new agent while its containers are taken away
        // One that is just starting has the lock a moment before it says who it is.
        for (var since = Stopwatch.StartNew(); (agentLock = RoleLock.TryTake(dataDirectory, RoleLock.Agent, "down")) is null && since.Elapsed < Patience;)
        {
            await Task.Delay(50, cancellationToken);
            late += await StopProcessesAsync(cancellationToken);
        }
        using (agentLock ??= RoleLock.Take(dataDirectory, RoleLock.Agent, "down"))
        {
            return (await AgentHost.TeardownAsync(
                new AgentOptions { Join = "", WorkDir = work, RunDir = DataDirectory.RunDirectory(dataDirectory, surroundings) }, cancellationToken), late);
        }
    }

    private static async Task WaitForEndAsync(RoleOwner owner, CancellationToken cancellationToken)
    {
        var since = Stopwatch.StartNew();
        while (owner.Process.IsAlive)
        {
            if (since.Elapsed > Patience)
            {
                throw CliException.Usage($"'pacer {owner.Command}' (process {owner.Process.Id}) did not end within {Patience.TotalSeconds} s. End it with 'kill -9 {owner.Process.Id}', then run 'pacer down' again.");
            }
            await Task.Delay(50, cancellationToken);
        }
    }
}
