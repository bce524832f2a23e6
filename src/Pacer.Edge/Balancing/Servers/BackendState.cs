using System.Collections.Concurrent;
using System.Net;

namespace Pacer.Edge.Balancing.Servers;

/// <summary>Counters of one backend, its servers' loads and those who wait for one. It outlives the routing tables.</summary>
internal sealed class BackendState
{
    /// <summary>Upper bounds in seconds.</summary>
    public static readonly double[] Buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private readonly ConcurrentQueue<TaskCompletionSource> _waiting = new();
    private readonly long[] _answers = new long[6];
    private readonly long[] _latency = new long[Buckets.Length + 1];
    private long _latencyMicroseconds;
    private long _retries;
    private long _unserved;
    private long _received;
    private long _sent;
    private int _queued;
    private uint _turn;

    public ConcurrentDictionary<(string TaskId, IPEndPoint Address), ServerLoad> Loads { get; } = new();

    public int Queued => Volatile.Read(ref _queued);

    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Requests that no server could take.</summary>
    public long Unserved => Volatile.Read(ref _unserved);

    /// <summary>Bytes from clients, mode tcp.</summary>
    public long Received => Volatile.Read(ref _received);

    public long Sent => Volatile.Read(ref _sent);

    public double LatencySeconds => Volatile.Read(ref _latencyMicroseconds) / 1e6;

    public uint NextTurn() => Interlocked.Increment(ref _turn);

    /// <param name="hundreds">1 to 5.</param>
    public long Answers(int hundreds) => Volatile.Read(ref _answers[hundreds]);

    public long Latencies(int bucket) => Volatile.Read(ref _latency[bucket]);

    public void Retried() => Interlocked.Increment(ref _retries);

    public void NotServed() => Interlocked.Increment(ref _unserved);

    public void Moved(long received, long sent)
    {
        Interlocked.Add(ref _received, received);
        Interlocked.Add(ref _sent, sent);
    }

    public void Answered(int status, TimeSpan took)
    {
        Interlocked.Increment(ref _answers[Math.Clamp(status / 100, 0, 5)]);
        Interlocked.Add(ref _latencyMicroseconds, (long)took.TotalMicroseconds);
        var seconds = took.TotalSeconds;
        var bucket = 0;
        while (bucket < Buckets.Length && seconds > Buckets[bucket])
        {
            bucket++;
        }
        Interlocked.Increment(ref _latency[bucket]);
    }

    /// <summary>Waits until a server may have room; false when that took too long.</summary>
    public async Task<bool> WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(turn);
        Interlocked.Increment(ref _queued);
        try
        {
            await turn.Task.WaitAsync(longest, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            if (!turn.TrySetCanceled())
            {
                WakeNext(); // it was our turn after all; another shall have it
            }
            return false;
        }
        catch (OperationCanceledException)
        {
            if (!turn.TrySetCanceled(CancellationToken.None))
            {
                WakeNext();
            }
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _queued);
        }
    }

    public void WakeNext()
    {
        while (_waiting.TryDequeue(out var turn))
        {
            if (turn.TrySetResult())
            {
                return;
            }
        }
    }

    public void WakeAll()
    {
        while (_waiting.TryDequeue(out var turn))
        {
            turn.TrySetResult();
        }
    }
}
