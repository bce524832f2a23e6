using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pacer.Core.Cluster;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>A state as the rows that a store would hold, and a hash of them: equal states have equal hashes, on every machine.</summary>
internal static class StateRows
{
    /// <summary>The puts that rebuild the state, in the order of kinds and keys.</summary>
    public static IEnumerable<Change> Of(ClusterState state) =>
    [
        new Change.PutRootVersion(state.RootVersion),
        .. state.RunSpecs.Values.Select(spec => new Change.PutRunSpec(spec)),
        .. state.Versions.Values.SelectMany(history => history.Values).Select(spec => new Change.PutVersion(spec)),
        .. state.Agents.Values.Select(node => new Change.PutAgent(node)),
        .. state.AllInstances.Select(instance => new Change.PutInstance(instance)),
        .. state.Deployments.Values.Select(deployment => new Change.PutDeployment(deployment)),
        .. state.LaunchDelays.Values.Select(delay => new Change.PutLaunchDelay(delay)),
        .. state.TaskFailures.Values.Select(failure => new Change.PutTaskFailure(failure)),
        .. state.Groups.Values.Select(group => new Change.PutGroup(group)),
        .. state.RootChanges.Values.Select(change => new Change.PutRootChange(change)),
        .. state.Secrets.Values.Select(secret => new Change.PutSecret(secret)),
    ];

    /// <summary>64 hexadecimal digits over all that is stored of the state, its index included.</summary>
    public static string Hash(ClusterState state)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> index = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(index, state.Index);
        hash.AppendData(index);
        Append(hash, Of(state));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Eight bytes over the rows that changes write.</summary>
    public static byte[] Hash(IEnumerable<Change> changes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, changes);
        return hash.GetHashAndReset()[..8];
    }

    private static void Append(IncrementalHash hash, IEnumerable<Change> changes)
    {
        Span<byte> lengths = stackalloc byte[12];
        foreach (var change in changes)
        {
            var entry = EntryCodec.Encode(change);
            var key = Encoding.UTF8.GetBytes(entry.Key);
            BinaryPrimitives.WriteInt32LittleEndian(lengths, (int)entry.Kind);
            BinaryPrimitives.WriteInt32LittleEndian(lengths[4..], key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(lengths[8..], entry.Value?.Length ?? -1); // -1: the row is deleted
            hash.AppendData(lengths);
            hash.AppendData(key);
            hash.AppendData(entry.Value ?? []);
        }
    }
}
