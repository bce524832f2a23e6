using Pacer.Core.Model;

namespace Pacer.Simulation;

/// <summary>What is going to happen, ordered by virtual time and then by the order in which it was planned.</summary>
internal sealed class EventQueue
{
    private readonly PriorityQueue<Action, (long At, long Number)> _queue = new();
    private long _number;

    public Timestamp Now { get; private set; } = new(1_700_000_000_000);

    public int Count => _queue.Count;

    public void In(TimeSpan delay, Action action) => At(Now + delay, action);

    public void At(Timestamp at, Action action) => _queue.Enqueue(action, (Math.Max(at.UnixMilliseconds, Now.UnixMilliseconds), _number++));

    /// <summary>Lets the next thing happen; false when there is none, or none before <paramref name="until"/>.</summary>
    public bool Next(Timestamp until)
    {
        if (!_queue.TryPeek(out _, out var first) || first.At > until.UnixMilliseconds)
        {
            return false;
        }
        var action = _queue.Dequeue();
        Now = new Timestamp(first.At);
        action();
        return true;
    }
}
