using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>
/// Writes down every batch that changes the state, with its time and seed, between the loop and its store. A batch that changes
/// nothing leads nowhere and is left out; one that the store refused never happened. Beyond a size the file is put aside as FILE.1,
/// in the place of an earlier one, and a new one begins with the state at that moment. Used by the loop's thread alone.
/// </summary>
internal sealed partial class InboxRecorder : IStateStore
{
    public const int Format = 1;
    private const long DefaultMaxBytes = 256L << 20;

    private readonly IStateStore _store;
    private readonly string _path;
    private readonly ClusterSettings _settings;
    private readonly ILogger _log;
    private readonly long _maxBytes;
    private FileStream? _file;
    private ClusterState _state;
    private (IReadOnlyList<Input> Inputs, Timestamp Now, ulong Seed, ClusterState After) _step;

    private InboxRecorder(IStateStore store, string path, ClusterState state, ClusterSettings settings, ILogger log, long maxBytes)
    {
        _store = store;
        _path = path;
        _state = state;
        _settings = settings;
        _log = log;
        _maxBytes = maxBytes;
        _step = ([], default, 0, state);
    }

    /// <summary>Hash of the state at the end; null before it.</summary>
    public string? FinalHash { get; private set; }

    public string ClusterId => _store.ClusterId;

    /// <summary>Throws <see cref="ServerStartException"/> when the file can't be written.</summary>
    public static InboxRecorder Begin(
        string path, IStateStore store, ClusterState state, ClusterSettings settings, ILogger log, long maxBytes = DefaultMaxBytes)
    {
        var recorder = new InboxRecorder(store, path, state, settings, log, maxBytes);
        try
        {
            recorder.Open();
            return recorder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerStartException($"--record {path} can't be written: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>The core's step, remembered until its changes are committed.</summary>
    public StepResult Step(ClusterState state, IReadOnlyList<Input> inputs, Timestamp now, ulong seed, ClusterSettings settings)
    {
        var result = Orchestrator.Step(state, inputs, now, seed, settings);
        _step = (inputs, now, seed, result.State);
        return result;
    }

    public StoredState Load() => _store.Load();

    public void Commit(IReadOnlyList<Change> changes, long index)
    {
        _store.Commit(changes, index);
        _state = _step.After with { Index = index };
        if (_file is null)
        {
            return;
        }
        try
        {
            var batch = new Batch
            {
                Now = _step.Now.UnixMilliseconds,
                Seed = _step.Seed,
                Index = index,
                ChangesHash = ByteString.CopyFrom(StateRows.Hash(changes)),
            };
            batch.Inputs.AddRange(_step.Inputs.Select(InputCodec.Encode));
            Write(new Item { Batch = batch });
            _file.Flush();
            if (_file.Length > _maxBytes)
            {
                Close();
                Open();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is recorded must not keep the cluster from working.
            LogStopped(_log, _path, e.Message);
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>Closes the file with the hash of the state, and leaves the store to its owner.</summary>
    public void Dispose()
    {
        try
        {
            Close();
        }
        catch (IOException e)
        {
            LogStopped(_log, _path, e.Message);
        }
    }

    private void Open()
    {
        if (File.Exists(_path))
        {
            File.Move(_path, _path + ".1", overwrite: true);
        }
        _file = new FileStream(_path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            BufferSize = 1 << 16,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, // definitions hold what is nobody else's business
        });
        Write(new Item
        {
            Start = new Start { Format = Format, PacerVersion = Hosting.ServerIdentity.Version, Index = _state.Index, Settings = RecordedSettings.Encode(_settings) },
        });
        foreach (var change in StateRows.Of(_state))
        {
            var entry = EntryCodec.Encode(change);
            Write(new Item { Row = new Row { Kind = (int)entry.Kind, Value = ByteString.CopyFrom(entry.Value) } });
        }
        _file.Flush();
    }

    private void Close()
    {
        if (_file is { } file)
        {
            FinalHash = StateRows.Hash(_state);
            Write(new Item { End = new End { Index = _state.Index, StateHash = FinalHash } });
            _file = null;
            file.Dispose();
        }
    }

    private void Write(Item item) => item.WriteDelimitedTo(_file);

    [LoggerMessage(EventId = 110, Level = LogLevel.Error, Message = "The recording {Path} ends here, it can't be written: {Reason}")]
    private static partial void LogStopped(ILogger log, string path, string reason);
}
