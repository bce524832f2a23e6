namespace Pacer.Simulation;

/// <summary>A rule that a run breaks on purpose, to show that the checks notice.</summary>
internal enum BrokenRule
{
    None,

    /// <summary>Nodes are shown to the core with twice the CPU they have.</summary>
    OverCommit,

    /// <summary>Every tenth commit is answered but not stored.</summary>
    LoseCommits,

    /// <summary>Some launches are carried out on a second node too, under the same task id.</summary>
    DoubleLaunches,

    /// <summary>Kill orders are never carried out.</summary>
    IgnoreKills,

    /// <summary>Tasks are reported ready from their start on.</summary>
    AlwaysReady,

    /// <summary>Reports are numbered as they come in, so that overtaken ones look new.</summary>
    TrustOldReports,

    /// <summary>Kills for failing health are never held back.</summary>
    NoBrake,

    /// <summary>Upgrades are carried out as if they were allowed to end everything at once.</summary>
    IgnoreMinimum,

    /// <summary>Nodes are shown to the core with disks for volumes twice as large as they are.</summary>
    OverCommitDisks,

    /// <summary>Nodes destroy the data of volumes when the task ends that used them.</summary>
    WipeWithTasks,
}

/// <summary>What a run is made of. The same options give the same run.</summary>
internal sealed record SimulationOptions
{
    public ulong Seed { get; init; } = 1;

    /// <summary>Events to play, faults and deliveries included.</summary>
    public int Steps { get; init; } = 10_000;

    public int Nodes { get; init; } = 20;

    public BrokenRule Break { get; init; }

    /// <summary>Wishes and faults to leave out, by their number: how a failing history is made shorter.</summary>
    public IReadOnlySet<int> Skipped { get; init; } = new HashSet<int>();

    /// <summary>Receives one line an event; null: nobody listens.</summary>
    public Action<string>? Log { get; init; }
}
