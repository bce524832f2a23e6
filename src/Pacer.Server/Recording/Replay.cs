using Google.Protobuf;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>What came of a replay.</summary>
/// <param name="StateHash">Of the state that was reached.</param>
/// <param name="RecordedHash">Of the state that the server had; null when the recording ends without one.</param>
/// <param name="Difference">Where the core did something else than it did in the server; null when nowhere.</param>
public sealed record ReplayResult(int Batches, int Inputs, long Index, string StateHash, string? RecordedHash, string? Difference)
{
    public bool IsSame => Difference is null && (RecordedHash is null || RecordedHash == StateHash);
}

/// <summary>Runs a recorded inbox through the core: the same inputs, times and seeds lead to the same state.</summary>
public static class Replay
{
    /// <summary>Throws <see cref="ReplayException"/> for a file that is no recording or of another version; the message is fit for users.</summary>
    public static ReplayResult Run(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);
            return Run(path, file);
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException) // an IOException, too
        {
            throw new ReplayException($"{path} is not a recording that this version can read: it is damaged, or another kind of file. Make one with the server's flag --record FILE.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ReplayException($"{path} can't be read: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static ReplayResult Run(string path, Stream file)
    {
        if (Next(file) is not { Start: { } start })
        {
            throw new ReplayException($"{path} is not a recording. Make one with the server's flag --record FILE.");
        }
        if (start.Format != InboxRecorder.Format)
        {
            throw new ReplayException($"{path} was written by Pacer {start.PacerVersion} in format {start.Format}; this version reads format {InboxRecorder.Format}.");
        }
        var settings = RecordedSettings.Decode(start.Settings);
        var state = ClusterState.Empty with { Index = start.Index };
        int batches = 0, inputs = 0;
        string? recorded = null, difference = null;
        while (difference is null && Next(file) is { } item)
        {
            switch (item.KindCase)
            {
                case Item.KindOneofCase.Row:
                    state = Orchestrator.Apply(state, EntryCodec.Decode((EntryKind)item.Row.Kind, item.Row.Value.ToByteArray()));
                    break;
                case Item.KindOneofCase.Batch:
                    batches++;
                    inputs += item.Batch.Inputs.Count;
                    (state, difference) = Step(state, item.Batch, settings);
                    break;
                case Item.KindOneofCase.End:
                    recorded = item.End.StateHash;
                    break;
                default:
                    throw new FormatException("It holds something that this version does not know.");
            }
        }
        return new ReplayResult(batches, inputs, state.Index, StateRows.Hash(state), recorded, difference);
    }

    private static (ClusterState State, string? Difference) Step(ClusterState before, Batch batch, ClusterSettings settings)
    {
        var inputs = batch.Inputs.Select(InputCodec.Decode).ToList();
        var result = Orchestrator.Step(before, inputs, new Timestamp(batch.Now), batch.Seed, settings);
        var after = result.State with { Index = before.Index + 1 };
        var same = after.Index == batch.Index && batch.ChangesHash.Span.SequenceEqual(StateRows.Hash(result.Changes));
        return (after, same ? null : $"the batch to index {batch.Index} at {new Timestamp(batch.Now)} ({inputs.Count} inputs) led to other changes");
    }

    // A server that was killed may leave half an item: what is before it counts.
    private static Item? Next(Stream file)
    {
        if (file.Position >= file.Length)
        {
            return null;
        }
        try
        {
            return Item.Parser.ParseDelimitedFrom(file);
        }
        catch (InvalidProtocolBufferException) when (file.Position >= file.Length)
        {
            return null;
        }
    }
}

/// <summary>The recording can't be replayed. <see cref="Exception.Message"/> is fit for users.</summary>
public sealed class ReplayException(string message, Exception? inner = null) : Exception(message, inner);
