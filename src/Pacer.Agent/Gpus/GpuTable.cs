using System.Globalization;
using System.Text;
using Pacer.Agent.Checkpoints;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;

namespace Pacer.Agent.Gpus;

/// <summary>
/// Which task has which GPUs: one file a task with the numbers of its GPUs, written before its container is made and removed when nothing
/// of the container is left.
/// </summary>
internal sealed class GpuTable(NodeGpus node, string directory, TimeProvider time)
{
    /// <summary>The server counts a GPU as free when its task is over; its container is still being removed then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, IReadOnlyList<int>> _held = new(StringComparer.Ordinal);
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NodeGpus Node => node;

    /// <summary>Takes over what an earlier agent noted of these tasks, and drops what it noted of others. To be called before any is taken.</summary>
    public void Load(IEnumerable<string> taskIds)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }
        var known = taskIds.Select(TaskCheckpoints.FileName).ToHashSet(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            if (!known.Contains(Path.GetFileName(file)))
            {
                File.Delete(file);
                continue;
            }
            _held[Path.GetFileName(file)] = [.. File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1)];
        }
    }

    /// <summary>Gives a task as many whole GPUs; the same ones if it has them already. Throws <see cref="FetchException"/> when it can't have them.</summary>
    public async Task TakeAsync(string taskId, int count, CancellationToken cancellationToken)
    {
        var name = TaskCheckpoints.FileName(taskId);
        if (count > node.Devices.Count)
        {
            throw new FetchException($"The task asks for {Gpus(count)}, and this node offers {node.Devices.Count}");
        }
        for (var since = time.GetTimestamp(); ;)
        {
            Task released;
            lock (_gate)
            {
                if (_held.TryGetValue(name, out var has) && has.Count == count && has.All(number => node.Devices.Any(gpu => gpu.Number == number)))
                {
                    return;
                }
                var taken = _held.Where(entry => entry.Key != name).SelectMany(entry => entry.Value).ToHashSet();
                int[] free = [.. node.Devices.Select(gpu => gpu.Number).Where(number => !taken.Contains(number)).Take(count)];
                if (free.Length == count)
                {
                    Directory.CreateDirectory(directory);
                    AtomicFile.Write(Path.Combine(directory, name), Encoding.ASCII.GetBytes(string.Join(' ', free)), durable: false);
                    _held[name] = free;
                    return;
                }
                released = _released.Task;
            }
            var left = Patience - time.GetElapsedTime(since);
            try
            {
                await released.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw new FetchException($"The task asks for {Gpus(count)}, and others of this node have not let go of theirs within {Patience.TotalSeconds:0} seconds");
            }
        }
    }

    /// <summary>The GPUs that a task was given.</summary>
    public IReadOnlyList<GpuDevice> Of(string taskId)
    {
        lock (_gate)
        {
            return _held.TryGetValue(TaskCheckpoints.FileName(taskId), out var numbers) ? [.. node.Devices.Where(gpu => numbers.Contains(gpu.Number))] : [];
        }
    }

    /// <summary>Repeatable; nothing happens for tasks without.</summary>
    public void Release(string taskId)
    {
        var name = TaskCheckpoints.FileName(taskId);
        lock (_gate)
        {
            if (!_held.Remove(name))
            {
                return;
            }
            File.Delete(Path.Combine(directory, name));
            var released = _released;
            _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
            released.SetResult();
        }
    }

    private static string Gpus(int count) => count == 1 ? "1 GPU" : string.Create(CultureInfo.InvariantCulture, $"{count} GPUs");
}
