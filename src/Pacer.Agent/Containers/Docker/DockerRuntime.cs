using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Users;
using Pacer.Agent.Node;

namespace Pacer.Agent.Containers.Docker;

/// <summary>
/// Containers of a Docker daemon (or Podman). The daemon holds them; a small file each tells what is needed while it does not answer. Ours
/// carry the agent's id as a label, and nothing else is ever touched.
/// <para>
/// While the daemon is away a task goes on as long as its process is seen. When the process has ended and the daemon does not come
/// back to say how, the container counts as lost.
/// </para>
/// </summary>
internal sealed partial class DockerRuntime : IContainerRuntime, IDisposable
{
    private const int SigTerm = 15;
    private static readonly TimeSpan AwayPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(10);

    private readonly EngineClient _engine;
    private readonly string _directory;
    private readonly string _agentId;
    private readonly TimeSpan _lostAfter;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<ContainerExit>>> _exits = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DockerLog> _logs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DockerRecord> _records = new(StringComparer.Ordinal);

    /// <param name="directory">For the records; kept over restarts of the agent.</param>
    /// <param name="lostAfter">How long after a process ended the daemon is waited for.</param>
    public DockerRuntime(EngineClient engine, string directory, string agentId, TimeSpan lostAfter, TimeProvider time, ILogger logger)
    {
        (_engine, _directory, _agentId, _lostAfter, _time, _logger) = (engine, directory, agentId, lostAfter, time, logger);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Images = new DockerImages(engine);
    }

    public string Name => "docker";

    public string? MissingIsolation => null;

    public DockerImages Images { get; }

    public EngineClient Engine => _engine;

    /// <summary>What <c>docker ps</c> calls it.</summary>
    public static string NameOf(string containerId) => "pacer-" + ContainerKind.Bare(containerId);

    public async Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken)
    {
        var docker = plan.Docker ?? throw new ContainerStartException("the plan is not one for Docker");
        var id = plan.ContainerId;
        var request = ContainerRequest.Of(plan, docker, _agentId);
        try
        {
            var known = new DockerRecord();
            known.Write(RecordFile(id));
            _records[id] = known;
            if (plan.Resolver is { ForOthers: true } resolver && request.HostConfig.Dns is null && await IsOfThisNodeAsync(request.HostConfig.NetworkMode, cancellationToken).ConfigureAwait(false))
            {
                request.HostConfig.Dns = [resolver.Address];
            }
            await _engine.PostAsync(
                $"/containers/create?name={NameOf(id)}", request, EngineJson.Default.CreateContainer, EngineJson.Default.CreatedContainer, cancellationToken).ConfigureAwait(false);
            await GiveSandboxAsync(id, plan.Sandbox, cancellationToken).ConfigureAwait(false);
            await _engine.PostAsync($"/containers/{NameOf(id)}/start", cancellationToken).ConfigureAwait(false);
            var started = await _engine.GetAsync($"/containers/{NameOf(id)}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
            Keep(id, started);
            FollowLog(id, started.Config.Tty, plan.Sandbox);
            return new StartedContainer(id, _records[id].Pid);
        }
        catch (Exception e) when (e is EngineException or IOException or UnauthorizedAccessException or ContainerStartException)
        {
            await RemoveFailedAsync(id).ConfigureAwait(false);
            throw e as ContainerStartException ?? new ContainerStartException(e.Message);
        }
    }

    /// <summary>
    /// Whether containers in this network of the daemon reach addresses that only this node has: it is a bridge, and its gateway is ours. The daemon may
    /// be in another network namespace, as one without root is.
    /// </summary>
    private async Task<bool> IsOfThisNodeAsync(string? network, CancellationToken cancellationToken)
    {
        var name = network is null or "" or "default" or DockerSettings.HostNetwork ? DockerSettings.BridgeNetwork : network;
        if (name == "none" || name.StartsWith("container:", StringComparison.Ordinal))
        {
            return false;
        }
        var found = await _engine.FindAsync($"/networks/{Uri.EscapeDataString(name)}", EngineJson.Default.InspectedNetwork, cancellationToken).ConfigureAwait(false);
        return found is { Driver: "bridge" } && found.Ipam?.Config?.Any(range => IPAddress.TryParse(range.Gateway, out var gateway) && HasAddress(gateway)) == true;
    }

    private static bool HasAddress(IPAddress address) => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(link => link.GetIPProperties().UnicastAddresses).Any(own => own.Address.Equals(address));

    public Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken) =>
        _exits.GetOrAdd(containerId, id => new(() => ObserveAsync(id))).Value.WaitAsync(cancellationToken);

    public async Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken)
    {
        try
        {
            var name = signal.ToString(CultureInfo.InvariantCulture);
            if (signal == SigTerm)
            {
                // Images may name another signal that asks their program to end.
                var found = await _engine.FindAsync($"/containers/{NameOf(containerId)}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
                name = found?.Config.StopSignal is { Length: > 0 } stop ? Uri.EscapeDataString(stop) : name;
            }
            await _engine.PostAsync($"/containers/{NameOf(containerId)}/kill?signal={name}", cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Status is 404 or 409)
        {
            // It has ended.
        }
        catch (EngineUnavailableException) when (RecordOf(containerId)?.Init() is { } init)
        {
            init.Signal(signal);
        }
    }

    public async Task DeleteAsync(string containerId, CancellationToken cancellationToken)
    {
        // Without a record nothing was ever asked for.
        if (RecordOf(containerId) is not null)
        {
            await RemoveContainerAsync(NameOf(containerId), cancellationToken).ConfigureAwait(false);
        }
        if (_logs.TryRemove(containerId, out var log))
        {
            await log.StopAsync().ConfigureAwait(false);
        }
        Forget(containerId);
    }

    public async Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken)
    {
        if (RecordOf(containerId) is not { } record)
        {
            return RecoveredState.Absent;
        }
        _records[containerId] = record;
        try
        {
            var found = await _engine.FindAsync($"/containers/{NameOf(containerId)}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
            switch (found?.State.Status)
            {
                case null:
                    return RecoveredState.Absent;
                case "created" or "configured" or "initialized":
                    await DeleteAsync(containerId, cancellationToken).ConfigureAwait(false);
                    return RecoveredState.NeverStarted;
            }
            FollowLog(containerId, found.Config.Tty, sandbox);
            if (!found.State.Running)
            {
                return RecoveredState.Exited;
            }
            Keep(containerId, found);
            return RecoveredState.Running;
        }
        catch (EngineUnavailableException)
        {
            // Whoever waits for its end learns the truth when the daemon is back; starting it again could double it.
            FollowLog(containerId, tty: false, sandbox);
            return RecoveredState.Running;
        }
    }

    public async Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken)
    {
        try
        {
            var filters = JsonSerializer.Serialize(
                new Dictionary<string, string[]> { ["label"] = [$"{ContainerRequest.AgentLabel}={_agentId}"] }, EngineJson.Default.DictionaryStringStringArray);
            var ours = await _engine.GetAsync(
                $"/containers/json?all=1&filters={Uri.EscapeDataString(filters)}", EngineJson.Default.ListListedContainer, cancellationToken).ConfigureAwait(false);
            var removed = 0;
            foreach (var container in ours)
            {
                // What this agent has begun is in its records before it is at the daemon.
                if (container.Labels?.GetValueOrDefault(ContainerRequest.ContainerLabel) is { } id && !known.Contains(id) && !_records.ContainsKey(id))
                {
                    await RemoveContainerAsync(container.Id, cancellationToken).ConfigureAwait(false);
                    Forget(id);
                    removed++;
                }
            }
            return removed;
        }
        catch (Exception e) when (e is EngineUnavailableException or EngineException)
        {
            // They are looked for again when the daemon is back.
            return 0;
        }
    }

    public async Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken)
    {
        try
        {
            var name = NameOf(containerId);
            var found = await _engine.GetAsync($"/containers/{name}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
            return await DockerExec.StartAsync(_engine, name, found.Id, plan, cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            return new RefusedExec(e.Message, RefusedExec.CannotRun, plan.Tty);
        }
    }

    public async Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken)
    {
        try
        {
            var name = NameOf(containerId);
            var usage = await _engine.GetAsync($"/containers/{name}/stats?stream=false&one-shot=true", EngineJson.Default.UsageReport, cancellationToken).ConfigureAwait(false);
            var container = await _engine.GetAsync($"/containers/{name}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
            return DockerUsage.Of(usage, container.HostConfig);
        }
        catch (Exception e) when (e is EngineException or EngineUnavailableException)
        {
            return new ContainerUsage(null, null, null);
        }
    }

    public IDisposable? Freeze(string containerId) => _logs.TryGetValue(containerId, out var log) ? log.Freeze() : null;

    /// <summary>Where a running container is; null when it shares the node's network.</summary>
    public ContainerAddress? AddressOf(string containerId) => RecordOf(containerId) is { Addresses: { } addresses } record
        ? new ContainerAddress(record.Pid > 0 ? string.Create(CultureInfo.InvariantCulture, $"/proc/{record.Pid}/ns/net") : null, addresses)
        : null;

    /// <summary>Whether containers of an earlier agent may be left.</summary>
    public static bool HasRecords(string directory) => Directory.Exists(directory) && Directory.EnumerateFiles(directory, "*.json").Any();

    private async Task<ContainerExit> ObserveAsync(string containerId)
    {
        long? endedAt = null;
        while (true)
        {
            try
            {
                using (var answer = await _engine.OpenAsync(HttpMethod.Post, $"/containers/{NameOf(containerId)}/wait", null, _stopping.Token).ConfigureAwait(false))
                {
                    await EngineClient.GuardAsync(() => answer.Content.ReadAsByteArrayAsync(_stopping.Token)).ConfigureAwait(false);
                }
                var found = await _engine.GetAsync($"/containers/{NameOf(containerId)}/json", EngineJson.Default.InspectedContainer, _stopping.Token).ConfigureAwait(false);
                if (!found.State.Running)
                {
                    await LogWrittenAsync(containerId).ConfigureAwait(false);
                    return found.State.Status is "created" or "configured" or "initialized"
                        ? ContainerExit.Unknown
                        : ContainerExit.FromCode(found.State.ExitCode, found.State is { OomKilled: true, ExitCode: 137 });
                }
            }
            catch (EngineException e) when (e.Status == 404)
            {
                return ContainerExit.Unknown;
            }
            catch (EngineException e)
            {
                LogWaitRefused(_logger, containerId, e.Message);
            }
            catch (EngineUnavailableException)
            {
                if (RecordOf(containerId)?.Init() is { IsAlive: false })
                {
                    endedAt ??= _time.GetTimestamp();
                    if (_time.GetElapsedTime(endedAt.Value) >= _lostAfter)
                    {
                        return ContainerExit.Unknown;
                    }
                }
            }
            await Task.Delay(AwayPause, _stopping.Token).ConfigureAwait(false);
        }
    }

    private async Task LogWrittenAsync(string containerId)
    {
        if (_logs.TryGetValue(containerId, out var log))
        {
            try
            {
                await log.Completed.WaitAsync(LogPatience, _stopping.Token).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                LogIncomplete(_logger, containerId);
            }
        }
    }

    private void FollowLog(string containerId, bool tty, string sandbox) =>
        _logs[containerId] = DockerLog.Follow(_engine, NameOf(containerId), tty, sandbox, PositionFile(containerId), _stopping.Token);

    /// <summary>The sandbox belongs to whom the command runs as. Names are looked up in the container's own files.</summary>
    private async Task GiveSandboxAsync(string containerId, string sandbox, CancellationToken cancellationToken)
    {
        var container = await _engine.GetAsync($"/containers/{NameOf(containerId)}/json", EngineJson.Default.InspectedContainer, cancellationToken).ConfigureAwait(false);
        var user = container.Config.User ?? "";
        if (user is "" or "root" or "0" || NodeUser.Current.Uid != 0)
        {
            return;
        }
        var passwd = await Images.ReadFileAsync(NameOf(containerId), "/etc/passwd", cancellationToken).ConfigureAwait(false);
        var group = await Images.ReadFileAsync(NameOf(containerId), "/etc/group", cancellationToken).ConfigureAwait(false);
        if (ImageUser.Find(new UserDatabase(passwd, group), user) is not { } found)
        {
            throw new ContainerStartException($"user '{user}' does not exist in the image");
        }
        new NodeUser(found.Uid, found.Gid).OwnTree(sandbox);
    }

    private void Keep(string containerId, InspectedContainer container)
    {
        var record = DockerRecord.Of(container);
        record.Write(RecordFile(containerId));
        _records[containerId] = record;
    }

    private DockerRecord? RecordOf(string containerId) =>
        _records.TryGetValue(containerId, out var known) ? known : DockerRecord.Read(RecordFile(containerId));

    private async Task RemoveFailedAsync(string containerId)
    {
        try
        {
            await DeleteAsync(containerId, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EngineException or IOException)
        {
            // The task's own clean-up repeats it.
        }
    }

    private async Task RemoveContainerAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await _engine.DeleteAsync($"/containers/{name}?force=1&v=1", cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Status == 404)
        {
            // Gone already.
        }
    }

    private void Forget(string containerId)
    {
        _exits.TryRemove(containerId, out _);
        _records.TryRemove(containerId, out _);
        File.Delete(RecordFile(containerId));
        File.Delete(PositionFile(containerId));
    }

    private string RecordFile(string containerId) => Path.Combine(_directory, containerId + ".json");

    private string PositionFile(string containerId) => Path.Combine(_directory, containerId + ".position");

    public void Dispose()
    {
        // What follows logs or waits ends by itself; the containers go on.
        _stopping.Cancel();
        _engine.Dispose();
    }

    [LoggerMessage(2901, LogLevel.Warning, "The Docker daemon refuses to wait for {Container}: {Cause}")]
    private static partial void LogWaitRefused(ILogger logger, string container, string cause);

    [LoggerMessage(2902, LogLevel.Warning, "The output of {Container} could not be read to its end in time")]
    private static partial void LogIncomplete(ILogger logger, string container);
}
