using Pacer.Core.Cluster;

namespace Pacer.Server.Storage;

/// <summary>All that the loop asks of storage: everything at start, then one atomic, durable commit a batch.</summary>
internal interface IStateStore : IDisposable
{
    /// <summary>Made once with the store; the framework id of the API.</summary>
    string ClusterId { get; }

    /// <summary>
    /// Everything stored, as the changes that rebuild it from the empty state, and the number of commits so far.
    /// Throws <see cref="StoreOpenException"/> when a value can't be read.
    /// </summary>
    StoredState Load();

    /// <summary>
    /// Makes all changes durable or none. <paramref name="index"/> is the state's index after them.
    /// Throws <see cref="Loop.StoreUnavailableException"/>; the store stays usable then.
    /// </summary>
    void Commit(IReadOnlyList<Change> changes, long index);
}

internal sealed record StoredState(IReadOnlyList<Change> Changes, long Index)
{
    /// <summary>The state that the changes make, derived tables included.</summary>
    public ClusterState Rebuild()
    {
        var state = ClusterState.Empty;
        foreach (var change in Changes)
        {
            state = Orchestrator.Apply(state, change);
        }
        return state with { Index = Index };
    }
}

/// <summary>The store can't be used at all. <see cref="Exception.Message"/> names the file and the remedy, fit for users.</summary>
public sealed class StoreOpenException(string message, Exception? inner = null) : Exception(message, inner);
