using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;

namespace Pacer.Shell.Tests.Loop;

public sealed class ClusterLoopTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Command_Answered_IsDurableAndVisible()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        Assert.IsType<CommandResult.Done>(await harness.ResetAsync("/a"));
        Assert.Equal([LoopHarness.Delay("/a")], harness.Store.Load().Changes);
        Assert.Equal(1, harness.Loop.State.Index);
        Assert.Single(harness.Loop.State.LaunchDelays);
    }

    [Fact]
    public async Task Step_WithoutChanges_NeitherCommitsNorMovesTheIndex()
    {
        await using var harness = new LoopHarness((state, inputs, _, _, _) =>
            new StepResult(state, [], [new Effect.Reply(((Input.Command)inputs[0]).Request, new CommandResult.NotQueued(new RunSpecId("/a")))]));
        Assert.IsType<CommandResult.NotQueued>(await harness.ResetAsync("/a"));
        Assert.Equal(0, harness.Store.Attempts);
        Assert.Equal(0, harness.Loop.State.Index);
    }

    [Fact]
    public async Task Commands_ThatArriveDuringACommit_ShareTheNextOne()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        harness.Store.Paused = true;
        var first = harness.ResetAsync("/first");
        await Eventually.TrueAsync(() => harness.Store.Attempts == 1, "the first commit begins");
        var others = Enumerable.Range(0, 300).Select(i => harness.ResetAsync($"/app{i}")).ToList();
        harness.Store.Paused = false;
        await Task.WhenAll([first, .. others]);
        Assert.InRange(harness.Store.Commits, 2, 4);
        Assert.Equal(301, harness.Store.Load().Changes.Count);
    }

    [Fact]
    public async Task Effects_AreCarriedOutInOrder_AfterTheCommitAndTheAgentsTakeOver()
    {
        var agent = new AgentId("one");
        await using var harness = new LoopHarness((state, inputs, now, _, _) => inputs[0] is Input.AgentDisconnected
            ? new StepResult(Orchestrator.Apply(state, LoopHarness.Delay("/a")), [LoopHarness.Delay("/a")],
            [
                new Effect.Acknowledge(agent, new TaskId("t"), 1),
                new Effect.Publish(new ClusterEvent.AppTerminated(now, new RunSpecId("/a"))),
                new Effect.Kill(agent, new TaskId("t"), null, "why not"),
            ])
            : new StepResult(state, [], []));
        harness.Store.Paused = true;
        await harness.Loop.PostAsync(
            new Input.AgentDisconnected(agent), committed: () => harness.Output.All.Enqueue("committed"), dropped: () => { }, None);
        await Eventually.TrueAsync(() => harness.Store.Attempts == 1, "the commit begins");
        Assert.Empty(harness.Output.All);
        harness.Store.Paused = false;
        await Eventually.TrueAsync(() => harness.Output.All.Count == 4, "all effects are carried out");
        Assert.Equal(
            ["committed", nameof(Effect.Acknowledge), nameof(ClusterEvent.AppTerminated), nameof(Effect.Kill)],
            harness.Output.All.Select(item => item as string ?? item.GetType().Name));
    }

    [Fact]
    public async Task CommitFails_CallerIsTold_NothingChanges_AndTheNextCommandTriesAgain()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        harness.Store.Broken = true;
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => harness.ResetAsync("/a"));
        Assert.Equal("The disk is full.", error.Message);
        Assert.Equal(0, harness.Loop.State.Index);
        Assert.Empty(harness.Loop.State.LaunchDelays);
        Assert.Empty(harness.Output.All);

        harness.Store.Broken = false;
        await harness.ResetAsync("/b");
        Assert.Equal([LoopHarness.Delay("/b")], harness.Store.Load().Changes);
    }

    [Fact]
    public async Task CommitFails_FactsAreKept_AndCommittedInOrderWhenItWorksAgain()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        harness.Store.Broken = true;
        await harness.Loop.PostAsync(new Input.AgentDisconnected(new AgentId("one")), None);
        await Eventually.TrueAsync(() => harness.Store.Attempts == 1, "the first attempt");
        await harness.Loop.PostAsync(new Input.AgentDisconnected(new AgentId("two")), None);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => harness.ResetAsync("/lost"));

        harness.Store.Broken = false;
        harness.Time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => harness.Loop.State.LaunchDelays.Count == 2, "both facts are in the state");
        Assert.Equal([LoopHarness.Delay("/one"), LoopHarness.Delay("/two")], harness.Store.Load().Changes);
        Assert.Equal(["one", "two"], harness.Batches.Last().OfType<Input.AgentDisconnected>().Select(fact => fact.Id.Value));
    }

    [Fact]
    public async Task CommitFails_RepeatedlyAndOnlyFactsArrive_AttemptsAreSpacedOut()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        harness.Store.Broken = true;
        for (var i = 0; i < 200; i++)
        {
            await harness.Loop.PostAsync(new Input.AgentDisconnected(new AgentId($"a{i}")), None);
        }
        await Eventually.TrueAsync(() => harness.Store.Attempts >= 1 && harness.Time.Armed > 0, "the first attempt");
        Assert.InRange(harness.Store.Attempts, 1, 2);
        harness.Store.Broken = false;
        harness.Time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => harness.Loop.State.LaunchDelays.Count == 200, "all facts are in the state");
    }

    [Fact]
    public async Task StepThrows_OnlyTheInputThatIsToBlame_IsDropped()
    {
        await using var harness = new LoopHarness((state, inputs, now, seed, settings) =>
            inputs.Any(input => input is Input.ResetDelay { Id.Path: "/poison" })
                ? throw new InvalidOperationException("bug")
                : LoopHarness.Accept(state, inputs, now, seed, settings));
        harness.Store.Paused = true;
        var first = harness.ResetAsync("/first");
        await Eventually.TrueAsync(() => harness.Store.Attempts == 1, "the first commit begins");
        var before = harness.ResetAsync("/before");
        var poison = harness.ResetAsync("/poison");
        var after = harness.ResetAsync("/after");
        harness.Store.Paused = false;
        await Assert.ThrowsAsync<StepFailedException>(() => poison);
        await Task.WhenAll(first, before, after);
        Assert.Equal(3, harness.Store.Load().Changes.Count);
        await harness.ResetAsync("/later");
    }

    [Fact]
    public async Task StepThrows_OnAFact_TellsWhoPostedIt()
    {
        await using var harness = new LoopHarness((state, inputs, now, seed, settings) =>
            inputs.Any(input => input is Input.AgentDisconnected)
                ? throw new InvalidOperationException("bug")
                : LoopHarness.Accept(state, inputs, now, seed, settings));
        var dropped = new TaskCompletionSource();
        await harness.Loop.PostAsync(new Input.AgentDisconnected(new AgentId("x")), committed: () => { }, dropped: dropped.SetResult, None);
        await dropped.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Command_WithoutAnAnswer_FailsInsteadOfHanging()
    {
        await using var harness = new LoopHarness((state, _, _, _, _) => new StepResult(state, [], []));
        await Assert.ThrowsAsync<StepFailedException>(() => harness.ResetAsync("/a").WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Deadline_Reached_TicksOnce_AndNeverBefore()
    {
        var time = new ManualTime();
        var due = Timestamp.From(time.GetUtcNow()) + TimeSpan.FromSeconds(5);
        var initial = ClusterState.Empty with { Deadlines = [new Deadline(due, DeadlineKind.Agent, "x")] };
        await using var harness = new LoopHarness((state, _, now, _, _) => now >= due
            ? new StepResult(state with { Deadlines = [] }, [LoopHarness.Delay("/ticked")], [])
            : new StepResult(state, [], []), initial);
        await Eventually.TrueAsync(() => harness.Time.Armed == 1, "the timer is armed");
        harness.Time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Empty(harness.Batches);
        harness.Time.Advance(TimeSpan.FromSeconds(0.2));
        await Eventually.TrueAsync(() => harness.Loop.State.Index == 1, "the tick is handled");
        await Eventually.TrueAsync(() => harness.Time.Armed == 0, "nothing is due any more");
        Assert.IsType<Input.Tick>(Assert.Single(Assert.Single(harness.Batches)));
    }

    [Fact]
    public async Task Deadline_ThatNothingIsDoneAbout_DoesNotSpin()
    {
        var initial = ClusterState.Empty with { Deadlines = [new Deadline(Timestamp.Zero, DeadlineKind.Agent, "x")] };
        await using var harness = new LoopHarness((state, _, _, _, _) => new StepResult(state, [], []), initial);
        for (var i = 0; i < 500; i++)
        {
            await Eventually.TrueAsync(() => harness.Time.Armed == 1, "the timer is armed again");
            harness.Time.Advance(TimeSpan.FromMilliseconds(10));
        }
        // 5 s: about 1+2+4+…+512 ms, then once a second.
        Assert.InRange(harness.Batches.Count, 5, 25);
    }

    [Fact]
    public async Task WaitForIndex_CompletesWithTheStateThatReachesIt()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        var second = harness.Loop.WaitForIndexAsync(2, None);
        await harness.ResetAsync("/a");
        Assert.False(second.IsCompleted);
        await harness.ResetAsync("/b");
        Assert.Equal(2, (await second.WaitAsync(TimeSpan.FromSeconds(30))).Index);
        Assert.Equal(2, (await harness.Loop.WaitForIndexAsync(1, None)).Index);
        using var cancelled = new CancellationTokenSource();
        var never = harness.Loop.WaitForIndexAsync(99, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    [Fact]
    public async Task Stop_HandlesWhatWasAccepted_AndRefusesTheRest()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        var accepted = Enumerable.Range(0, 50).Select(i => harness.ResetAsync($"/app{i}")).ToList();
        await harness.Loop.StopAsync();
        await Task.WhenAll(accepted);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => harness.ResetAsync("/late"));
    }

    [Fact]
    public async Task Stop_WhileTheStoreIsBroken_Ends()
    {
        await using var harness = new LoopHarness(LoopHarness.Accept);
        harness.Store.Broken = true;
        await harness.Loop.PostAsync(new Input.AgentDisconnected(new AgentId("one")), None);
        await Eventually.TrueAsync(() => harness.Store.Attempts >= 1, "the first attempt");
        await harness.Loop.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }
}
