using System.Collections.Concurrent;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Holds the containers of a pod back until each of them has its artifacts and could start, so that they start together.</summary>
internal sealed class GroupStart(int expected)
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _missing = expected;

    /// <summary>Notes how many tasks of a group are about to be prepared. Single ones wait for nobody.</summary>
    public static void Expect(ConcurrentDictionary<string, GroupStart> preparing, IEnumerable<TaskSpec> tasks)
    {
        foreach (var group in tasks.Where(task => task.Group.Length > 0).GroupBy(task => task.Group, StringComparer.Ordinal))
        {
            var count = group.Count();
            if (count > 1)
            {
                preparing[group.Key] = new GroupStart(count);
            }
        }
    }

    public Task ArriveAsync(ConcurrentDictionary<string, GroupStart> preparing, string group, CancellationToken cancellationToken)
    {
        if (Interlocked.Decrement(ref _missing) <= 0)
        {
            preparing.TryRemove(new KeyValuePair<string, GroupStart>(group, this));
            _all.TrySetResult();
        }
        return _all.Task.WaitAsync(cancellationToken);
    }
}
