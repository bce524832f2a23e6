using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;
using Pacer.Server.Storage;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Loop;

/// <summary>A loop over a real store, with a step that the test writes and with everything that comes out of it recorded.</summary>
internal sealed class LoopHarness : IAsyncDisposable
{
    private readonly TempDirectory _dir = new();
    private readonly SqliteStateStore _sqlite;

    public LoopHarness(StepFunction step, ClusterState? initial = null)
    {
        _sqlite = SqliteStateStore.Open(_dir.Path);
        Store = new BreakableStore(_sqlite);
        Loop = new ClusterLoop(
            initial ?? ClusterState.Empty, Store, Output, Output,
            (state, inputs, now, seed, settings) =>
            {
                Batches.Enqueue([.. inputs]);
                return step(state, inputs, now, seed, settings);
            },
            new ClusterSettings(), Time, NullLogger<ClusterLoop>.Instance);
        Loop.Start();
    }

    public ManualTime Time { get; } = new();

    public BreakableStore Store { get; }

    public RecordedOutput Output { get; } = new();

    public ClusterLoop Loop { get; }

    public ConcurrentQueue<Input[]> Batches { get; } = new();

    public Task<CommandResult> ResetAsync(string id, CancellationToken cancellationToken = default) =>
        Loop.SubmitAsync(request => new Input.ResetDelay(request, new RunSpecId(id)), cancellationToken);

    public static Change Delay(string id) => new Change.PutLaunchDelay(
        new LaunchDelay(new RunSpecId(id), default, default, default, default, default, false));

    /// <summary>Answers every command and stores a record for each.</summary>
    public static StepResult Accept(ClusterState state, IReadOnlyList<Input> inputs, Timestamp now, ulong seed, ClusterSettings settings)
    {
        var changes = new List<Change>();
        var effects = new List<Effect>();
        foreach (var input in inputs)
        {
            switch (input)
            {
                case Input.ResetDelay reset:
                    changes.Add(Delay(reset.Id.Path));
                    effects.Add(new Effect.Reply(reset.Request, new CommandResult.Done([])));
                    break;
                case Input.AgentDisconnected gone:
                    changes.Add(Delay("/" + gone.Id));
                    break;
            }
        }
        return new StepResult(changes.Aggregate(state, Orchestrator.Apply), changes, effects);
    }

    public async ValueTask DisposeAsync()
    {
        await Loop.DisposeAsync();
        _sqlite.Dispose();
        _dir.Dispose();
    }
}

/// <summary>The real store, but for commits while <see cref="Broken"/>.</summary>
internal sealed class BreakableStore(IStateStore inner) : IStateStore
{
    public volatile bool Broken;
    public volatile bool Paused;
    private int _commits;
    private int _attempts;

    public int Commits => _commits;

    public int Attempts => _attempts;

    public string ClusterId => inner.ClusterId;

    public StoredState Load() => inner.Load();

    public void Commit(IReadOnlyList<Change> changes, long index)
    {
        Interlocked.Increment(ref _attempts);
        SpinWait.SpinUntil(() => !Paused);
        if (Broken)
        {
            throw new StoreUnavailableException("The disk is full.", new IOException());
        }
        inner.Commit(changes, index);
        Interlocked.Increment(ref _commits);
    }

    public void Dispose() => inner.Dispose();
}

internal sealed class RecordedOutput : IAgentOrders, IEventSink
{
    public ConcurrentQueue<object> All { get; } = new();

    public void Send(Effect.Launch launch, ClusterState state) => All.Enqueue(launch);

    public void Send(Effect.Kill kill) => All.Enqueue(kill);

    public void Send(Effect.Acknowledge acknowledge) => All.Enqueue(acknowledge);

    public void Send(Effect.WipeVolumes wipe) => All.Enqueue(wipe);

    public void Publish(ClusterEvent clusterEvent) => All.Enqueue(clusterEvent);
}
