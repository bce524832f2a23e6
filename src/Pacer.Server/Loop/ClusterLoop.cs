using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Metrics;
using Pacer.Server.Storage;

namespace Pacer.Server.Loop;

/// <summary>
/// The one writer of the state: drains the inbox in batches, steps, commits, and only then shows the new state, answers
/// callers and hands out orders and events.
/// </summary>
internal sealed partial class ClusterLoop : IClusterLoop, IAsyncDisposable
{
    public const int MaxBatch = 512;
    private const int InboxCapacity = 4096;

    // Facts kept while the store can't commit. Beyond it the inbox is left to fill up, which holds the agents back.
    private const int MaxKeptFacts = 8192;

    private static readonly InboxItem TickItem = new(new Input.Tick(), null, null, null);

    private readonly IStateStore _store;
    private readonly IAgentOrders _agents;
    private readonly IEventSink _events;
    private readonly StepFunction _step;
    private readonly ClusterSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterLoop> _log;
    private readonly LoopMetrics _metrics;
    private readonly IndexWaiters _waiters = new();
    private readonly LoopWakeup _wakeup;
    private readonly Channel<InboxItem> _inbox = Channel.CreateBounded<InboxItem>(
        new BoundedChannelOptions(InboxCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Used by the loop's thread alone.
    private readonly List<InboxItem> _batch = new(MaxBatch);
    private readonly List<Input> _inputs = new(MaxBatch);
    private readonly Dictionary<long, TaskCompletionSource<CommandResult>> _callers = [];

    private ClusterState _state;
    private long _lastRequest;
    private int _started;
    private volatile StoreUnavailableException? _overwhelmed;
    private volatile bool _stopping;

    public ClusterLoop(
        ClusterState initial,
        IStateStore store,
        IAgentOrders agents,
        IEventSink events,
        StepFunction step,
        ClusterSettings settings,
        TimeProvider time,
        ILogger<ClusterLoop> log,
        LoopMetrics? metrics = null)
    {
        _state = initial;
        _store = store;
        _agents = agents;
        _events = events;
        _step = step;
        _settings = settings;
        _time = time;
        _log = log;
        _metrics = metrics ?? new LoopMetrics(time);
        _wakeup = new LoopWakeup(time, () => _inbox.Writer.TryWrite(TickItem));
    }

    public ClusterState State => Volatile.Read(ref _state);

    /// <summary>
    /// Gets the changes of every commit with the state after it, in order, on the loop's thread: it must not block. Set before
    /// <see cref="Start"/>.
    /// </summary>
    public Action<IReadOnlyList<Change>, ClusterState>? Committed { get; set; }

    /// <summary>Starts the loop's own thread: a commit blocks, and must not take one of the few pool threads that serve requests.</summary>
    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            new Thread(Run) { IsBackground = true, Name = "cluster-loop" }.Start();
        }
    }

    public async Task<CommandResult> SubmitAsync(Func<RequestId, Input.Command> command, CancellationToken cancellationToken)
    {
        if (_overwhelmed is { } unavailable)
        {
            throw new StoreUnavailableException(unavailable.Message, unavailable);
        }
        var caller = new TaskCompletionSource<CommandResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = new RequestId(Interlocked.Increment(ref _lastRequest));
        await WriteAsync(new InboxItem(command(request), caller, null, null), cancellationToken);
        return await caller.Task.WaitAsync(cancellationToken);
    }

    public ValueTask PostAsync(Input input, CancellationToken cancellationToken) =>
        WriteAsync(new InboxItem(input, null, null, null), cancellationToken);

    /// <summary>As <see cref="PostAsync(Input, CancellationToken)"/>, and tells when the input is durable but nothing was done about it yet.</summary>
    public ValueTask PostAsync(Input input, Action committed, Action dropped, CancellationToken cancellationToken) =>
        WriteAsync(new InboxItem(input, null, committed, dropped), cancellationToken);

    public Task<ClusterState> WaitForIndexAsync(long index, CancellationToken cancellationToken)
    {
        var state = State;
        return state.Index >= index ? Task.FromResult(state) : _waiters.WaitAsync(index, () => State, cancellationToken);
    }

    /// <summary>Takes no more inputs, handles those that are in the inbox, and ends.</summary>
    public async Task StopAsync()
    {
        _stopping = true;
        _inbox.Writer.TryComplete();
        _wakeup.Release();
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            await _ended.Task;
        }
        _wakeup.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async ValueTask WriteAsync(InboxItem item, CancellationToken cancellationToken)
    {
        try
        {
            await _inbox.Writer.WriteAsync(item, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new StoreUnavailableException("The server is stopping. Repeat the request when it runs again.", e);
        }
    }

    private void Run()
    {
        try
        {
            _wakeup.Arm(_state.NextDeadline);
            while (Fill())
            {
                if (Handle(_batch))
                {
                    _batch.Clear();
                    _wakeup.Arm(_state.NextDeadline);
                }
                else
                {
                    KeepFacts();
                }
            }
        }
        catch (Exception e)
        {
            LogLoopEnded(e);
        }
        finally
        {
            _inbox.Writer.TryComplete();
            FailRest(new StoreUnavailableException("The server is stopping. Repeat the request when it runs again.", new OperationCanceledException()));
            _ended.TrySetResult();
        }
    }

    /// <summary>
    /// Waits for inputs and puts them behind the facts already kept; false at the end. After a failed commit it returns at
    /// once only for a command, whose caller waits; facts alone wait for the next attempt.
    /// </summary>
    private bool Fill()
    {
        if (_overwhelmed is not null)
        {
            _wakeup.Wait();
            return !_stopping;
        }
        while (true)
        {
            // Sync wait on purpose: this thread has nothing else to do.
            if (!_inbox.Reader.TryPeek(out _) && !_inbox.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                return false;
            }
            var urgent = !_wakeup.IsBackingOff;
            for (var room = MaxBatch; room > 0 && _inbox.Reader.TryRead(out var item); room--)
            {
                urgent |= item.Caller is not null;
                _batch.Add(item);
            }
            if (urgent || _wakeup.IsRetryDue || _batch.Count > MaxKeptFacts)
            {
                return true;
            }
        }
    }

    /// <summary>False when the store could not commit: nothing happened then, and callers have been told.</summary>
    private bool Handle(List<InboxItem> batch)
    {
        _inputs.Clear();
        foreach (var item in batch)
        {
            _inputs.Add(item.Input);
        }

        var before = _state;
        StepResult result;
        var since = _metrics.Now();
        try
        {
            result = _step(before, _inputs, Timestamp.From(_time.GetUtcNow()), NextSeed(), _settings);
        }
        catch (Exception e)
        {
            return HandleOneByOne(batch, e);
        }

        _metrics.Stepped(_inputs.Count, since);
        var changed = result.Changes.Count > 0;
        var after = changed ? result.State with { Index = before.Index + 1 } : before;
        if (changed)
        {
            try
            {
                since = _metrics.Now();
                _store.Commit(result.Changes, after.Index);
                _metrics.Committed(result.Changes.Count, since);
            }
            catch (StoreUnavailableException e)
            {
                CommitFailed(batch, e);
                return false;
            }
            catch (Exception e)
            {
                // A change that has no row is as much a bug as a step that throws.
                return HandleOneByOne(batch, e);
            }
        }
        CommitSucceeded();

        Volatile.Write(ref _state, after);
        if (changed)
        {
            _waiters.Published(after);
            Committed?.Invoke(result.Changes, after);
        }
        foreach (var item in batch)
        {
            if (item is { Caller: { } caller, Input: Input.Command command })
            {
                _callers[command.Request.Value] = caller;
            }
            Notify(item.Committed);
        }
        CarryOut(result.Effects, after);
        foreach (var caller in _callers.Values)
        {
            caller.TrySetException(new StepFailedException("The command was not answered.", null));
        }
        _callers.Clear();
        return true;
    }

    private void CarryOut(IReadOnlyList<Effect> effects, ClusterState state)
    {
        for (var i = 0; i < effects.Count; i++)
        {
            var effect = effects[i];
            _metrics.Count(effect);
            try
            {
                switch (effect)
                {
                    case Effect.Reply reply:
                        if (_callers.Remove(reply.Request.Value, out var caller))
                        {
                            caller.TrySetResult(reply.Result);
                        }
                        break;
                    case Effect.Launch launch:
                        _agents.Send(launch, state);
                        break;
                    case Effect.Kill kill:
                        _agents.Send(kill);
                        break;
                    case Effect.Acknowledge acknowledge:
                        _agents.Send(acknowledge);
                        break;
                    case Effect.WipeVolumes wipe:
                        _agents.Send(wipe);
                        break;
                    case Effect.Publish publish:
                        _events.Publish(publish.Event);
                        break;
                }
            }
            catch (Exception e)
            {
                LogEffectFailed(e, effect.GetType().Name);
            }
        }
    }

    private bool HandleOneByOne(List<InboxItem> batch, Exception cause)
    {
        if (batch.Count > 1)
        {
            LogStepFailed(cause, batch.Count);
            var items = batch.ToArray();
            var single = new List<InboxItem>(1);
            for (var i = 0; i < items.Length; i++)
            {
                single.Clear();
                single.Add(items[i]);
                if (!Handle(single))
                {
                    // The store went away meanwhile: what was handled is done, the rest is kept.
                    batch.Clear();
                    batch.AddRange(items.AsSpan(i));
                    FailCallers(batch, new StoreUnavailableException("The state store can't be written at the moment. Nothing was changed.", cause));
                    return false;
                }
            }
            return true;
        }

        foreach (var item in batch)
        {
            LogInputDropped(cause, item.Input.GetType().Name);
            item.Caller?.TrySetException(new StepFailedException("The command could not be handled.", cause));
            Notify(item.Dropped);
        }
        _wakeup.StepFailed();
        return true;
    }

    private void CommitFailed(List<InboxItem> batch, StoreUnavailableException e)
    {
        FailCallers(batch, e);
        if (batch.Count > MaxKeptFacts)
        {
            _overwhelmed = e;
        }
        LogCommitFailed(_wakeup.CommitFailed(), e.Message);
    }

    private void CommitSucceeded()
    {
        if (_wakeup.CommitSucceeded())
        {
            LogStoreRecovered();
        }
        _overwhelmed = null;
    }

    private static void FailCallers(List<InboxItem> batch, Exception e)
    {
        foreach (var item in batch)
        {
            item.Caller?.TrySetException(e);
        }
    }

    /// <summary>Leaves in the batch what must not be lost: facts. Commands were answered, and a tick comes again by itself.</summary>
    private void KeepFacts() => _batch.RemoveAll(static item => item.Input is Input.Command or Input.Tick);

    private void FailRest(Exception e)
    {
        FailCallers(_batch, e);
        while (_inbox.Reader.TryRead(out var item))
        {
            item.Caller?.TrySetException(e);
        }
    }

    private void Notify(Action? callback)
    {
        try
        {
            callback?.Invoke();
        }
        catch (Exception e)
        {
            LogEffectFailed(e, "callback");
        }
    }

    private static ulong NextSeed()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }
}

/// <summary>A bug kept a command from being handled. Nothing was changed.</summary>
internal sealed class StepFailedException(string message, Exception? inner) : Exception(message, inner);
