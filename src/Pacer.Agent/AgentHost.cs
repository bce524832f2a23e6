using Microsoft.Extensions.Logging;
using Pacer.Agent.Checkpoints;
using Pacer.Agent.Checks;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Docker;
using Pacer.Agent.Disks;
using Pacer.Agent.ExternalVolumes;
using Pacer.Agent.Fetching;
using Pacer.Agent.Gpus;
using Pacer.Agent.Logs;
using Pacer.Agent.Node;
using Pacer.Agent.Sessions;
using Pacer.Agent.Tasks;
using Pacer.Agent.Uplink;
using Pacer.Agent.Vips;

namespace Pacer.Agent;

/// <summary>What <see cref="AgentHost.TeardownAsync(AgentOptions, CancellationToken)"/> did.</summary>
/// <param name="TasksKilled">Tasks that were not over yet.</param>
/// <param name="LeftoversRemoved">Containers that belonged to no task.</param>
/// <param name="TasksLeft">Tasks that could not be ended in time; their ids.</param>
public sealed record TeardownResult(int TasksKilled, int LeftoversRemoved, IReadOnlyList<string> TasksLeft);

/// <summary>
/// One node: runs the tasks that the server sends, and goes on with those of an earlier agent of the same work directory. Stopping it, or
/// its sudden death, leaves the containers running.
/// </summary>
public sealed partial class AgentHost : IAsyncDisposable
{
    private const int CleanupParallelism = 8;
    private const int FetchParallelism = 16;
    private static readonly TimeSpan LogLookInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan GarbageLookInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TeardownPatience = TimeSpan.FromSeconds(60);

    private readonly WorkDirectory _directory;
    private readonly ILoggerFactory _logging;
    private readonly CancellationTokenSource _stopping;
    private readonly TaskTools _tools;
    private readonly TaskTable _tasks;
    private readonly int _launchParallelism;
    private readonly List<IDisposable> _owned;
    private ServerLink? _link;
    private NodeVips? _vips;
    private readonly List<Task> _loops = [];
    private int _stopped;

    private AgentHost(
        WorkDirectory directory, ILoggerFactory logging, CancellationTokenSource stopping, TaskTools tools, TaskTable tasks, int launchParallelism, List<IDisposable> owned)
    {
        _directory = directory;
        _logging = logging;
        _stopping = stopping;
        _tools = tools;
        _tasks = tasks;
        _launchParallelism = launchParallelism;
        _owned = owned;
    }

    public string AgentId => _tools.Node.AgentId;

    /// <summary>"mesos" or "process".</summary>
    public string Runtime => _tools.Runtime.Name;

    /// <summary>What isolation is missing here and how to get it, in one line; null when all is there.</summary>
    public string? MissingIsolation => _tools.Runtime.MissingIsolation;

    /// <summary>Tasks that are running or about to.</summary>
    public int LiveTasks => _tasks.All.Count(task => task.Snapshot.Phase != TaskPhase.Ended);

    /// <summary>Why there is no contact with the server, in words; null while there is, or before the first attempt.</summary>
    public string? Trouble => _link?.Trouble;

    /// <summary>Completes with the cluster's id when the server has taken this node in for the first time.</summary>
    public Task<string> WaitForRegistrationAsync(CancellationToken cancellationToken) => _link!.Registered.WaitAsync(cancellationToken);

    internal TaskTable Tasks => _tasks;

    /// <summary>As the public one, with parts of the caller's choice.</summary>
    internal static async Task<AgentHost> StartAsync(AgentOptions options, AgentParts parts, CancellationToken cancellationToken)
    {
        var server = ServerAddress.Parse(options.Join);
        var host = await OpenAsync(options, server, parts, forTeardown: false, cancellationToken).ConfigureAwait(false);
        try
        {
            if (host._tools.DockerPresence is { } docker)
            {
                await docker.LookAsync(cancellationToken).ConfigureAwait(false);
            }
            var bootId = WorkDirectory.CurrentBootId();
            var rebooted = host._directory.ReadBootId() is { } earlier && earlier != bootId;
            await host._tasks.RecoverAsync(rebooted ? RecoveryPurpose.AfterBoot : RecoveryPurpose.Continue, cancellationToken).ConfigureAwait(false);
            // Only now: should we die before, the next agent must come to the same conclusion.
            host._directory.WriteBootId(bootId);

            var stopping = host._stopping.Token;
            var sessions = new SessionDialer(host._tasks, host._tools.Sandboxes, host._tools.Runtime, host._tools.Logger, stopping);
            host._link = new ServerLink(server, host._tools.Node, options.JoinToken, host._tasks, host._tools, sessions, host._tools.Logger);
            host._tools.Volumes.Wiped = host._link.RegisterAnew; // the server keeps the order until it hears that the data is gone
            var rotator = new LogRotator(host._tools.Runtime, host._tools.Sandboxes, options.LogMaxBytes, options.LogKeep, host._tools.Logger);
            host._loops.Add(Task.Run(() => host._link.RunAsync(stopping), CancellationToken.None));
            host._loops.Add(host.RepeatAsync(LogLookInterval, () => rotator.RotateAll(host._tasks.All, stopping), stopping));
            if (options.DiskLookInterval is { } interval)
            {
                var disks = new DiskWatch(host._tools);
                host._loops.Add(host.RepeatAsync(interval, () => disks.Look(host._tasks.All), stopping));
            }
            host._loops.Add(host.RepeatAsync(GarbageLookInterval, host.CollectGarbage, stopping));
            host._loops.Add(host.WatchNetworksAsync(stopping));
            host._vips = await NodeVips.OpenAsync(options.Vips, options.WorkDir, host.AgentId, new Networks.NetworkTools(), host._tools.Time, host._tools.Logger).ConfigureAwait(false);
            if (host._vips is { } vips)
            {
                var follower = new EndpointFollower(server, host.AgentId, options.JoinToken, vips.Apply, host._tools.Time, host._tools.Logger);
                host._loops.Add(Task.Run(() => follower.RunAsync(stopping), CancellationToken.None));
            }
            host._loops.Add(host.WatchDockerAsync(stopping));
            return host;
        }
        catch
        {
            await host.StopAsync().ConfigureAwait(false);
            throw;
        }
    }

    internal static async Task<TeardownResult> TeardownAsync(AgentOptions options, AgentParts parts, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(options.WorkDir))
        {
            return new TeardownResult(0, 0, []);
        }
        // No server is needed to end tasks; the next agent tells it.
        await using var host = await OpenAsync(options, new ServerAddress(null, "127.0.0.1", 1), parts, forTeardown: true, cancellationToken).ConfigureAwait(false);
        await host._tasks.RecoverAsync(RecoveryPurpose.EndAll, cancellationToken).ConfigureAwait(false);
        var killed = host._tasks.LoadedAlive;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TeardownPatience);
        while (host._tasks.All.Any(task => !task.IsSettled) && !patience.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken).ConfigureAwait(false);
        }
        var left = host._tasks.All.Where(task => task.Snapshot.Phase != TaskPhase.Ended).Select(task => task.TaskId).Order(StringComparer.Ordinal).ToList();
        var leftovers = left.Count > 0
            ? 0
            : await host._tools.Runtime.RemoveOrphansAsync(new HashSet<string>(), cancellationToken).ConfigureAwait(false);
        if (left.Count == 0)
        {
            await host._tools.ExternalVolumes.UnmountUnusedAsync(cancellationToken).ConfigureAwait(false);
            await host._tools.Networks.RemoveGroundAsync().ConfigureAwait(false);
            await host._tools.Networks.RemoveResolverAsync().ConfigureAwait(false);
            await KernelVips.RemoveLeftAsync(new Networks.NetworkTools(), new Networks.NetworkNaming(options.WorkDir)).ConfigureAwait(false);
            await RemoveEmptyGroundAsync(host._tools.Runtime.Own, options.RunDir, cancellationToken).ConfigureAwait(false);
        }
        return new TeardownResult(killed - left.Count, leftovers + host._tasks.OrphansRemoved, left);
    }

    private static async Task<AgentHost> OpenAsync(
        AgentOptions options, ServerAddress server, AgentParts parts, bool forTeardown, CancellationToken cancellationToken)
    {
        var logging = parts.Logging ?? AgentLogging.CreateFactory(options.LogLevel);
        var owned = new List<IDisposable>();
        if (parts.Logging is null)
        {
            owned.Add(logging);
        }
        CancellationTokenSource? stopping = null;
        try
        {
            var directory = WorkDirectory.Acquire(options.WorkDir);
            owned.Add(directory);
            var logger = logging.CreateLogger("agent");
            var runtime = await ChooseRuntimeAsync(options, directory, parts, logging, forTeardown, cancellationToken).ConfigureAwait(false);
            var networks = await OpenNetworksAsync(options, runtime, logger).ConfigureAwait(false);
            var agentId = directory.ReadOrMakeAgentId(parts.NewId);
            var docker = OpenDocker(options, directory, agentId, forTeardown, parts, logger);
            if (docker is not null)
            {
                owned.Add(docker);
            }
            var runtimes = new NodeRuntimes(runtime, docker);
            var addresses = new ContainerAddresses(networks, docker);
            // A teardown runs nothing.
            var gpus = NodeGpus.Detect(options.GpuRoot, forTeardown ? 0 : options.Gpus);
            // A teardown does not know how the agent was started; what is mounted says how to take it away.
            var drivers = forTeardown ? new Dictionary<string, IVolumeDriver>() : VolumeDrivers.Of(options);
            var node = NodeFacts.Gather(
                options, agentId, directory.Root, runtime.RunsImages ? [runtime.Name, "mesos-image"] : [runtime.Name], server, gpus.Devices.Count) with
            {
                Networks = networks.Names,
                VolumeDrivers = [.. drivers.Keys],
            };
            stopping = new CancellationTokenSource();
            var logins = ImageLogins.Open(options);
            var images = runtime.RunsImages ? TaskImages.Open(options, logins, directory.Images, parts.Time, logger, stopping.Token) : null;
            if (images is not null)
            {
                owned.Add(images);
            }
            var source = new ArtifactSource(parts.Time);
            owned.Add(source);
            var fetcher = new Fetcher(source, new FetchCache(directory.FetchCache, options.FetchCacheBytes, source, parts.Time, stopping.Token), FetchParallelism);
            owned.Add(fetcher);
            var probes = new HealthProbes(runtimes, addresses, logger);
            owned.Add(probes);
            var answers = new AnswerProbes(runtimes, addresses, logger);
            owned.Add(answers);
            var parallelism = options.LaunchParallelism > 0 ? options.LaunchParallelism : 4 * Environment.ProcessorCount;
            var quota = new ProjectQuota(logger);
            var tools = new TaskTools
            {
                Runtime = runtimes,
                Docker = docker,
                DockerPresence = docker is null ? null : new DockerPresence(docker, parts.Time, logger),
                Logins = logins,
                Addresses = addresses,
                Checkpoints = new TaskCheckpoints(directory.Tasks, logger),
                Sandboxes = new Sandboxes(directory.Sandboxes, quota, parts.Time, logger),
                Secrets = new SecretFiles(options.RunDir, agentId),
                Volumes = new VolumeStore(directory.Volumes, node.Disks, quota, parts.Time, logger),
                ExternalVolumes = new ExternalVolumeStore(directory.ExternalVolumes, drivers, parts.Time, logger),
                Fetcher = fetcher,
                Images = images,
                Networks = networks,
                Gpus = new GpuTable(gpus, directory.Gpus, parts.Time),
                Probes = probes,
                Answers = answers,
                Node = node,
                Time = parts.Time,
                Logger = logger,
                NewId = parts.NewId,
                LaunchSlots = new SemaphoreSlim(parallelism),
                CleanupSlots = new SemaphoreSlim(CleanupParallelism),
                Directory = directory,
                Stopping = stopping.Token,
            };
            tools.JoinedCluster(directory.ReadClusterId());
            return new AgentHost(directory, logging, stopping, tools, new TaskTable(tools), parallelism, owned);
        }
        catch
        {
            stopping?.Dispose();
            for (var i = owned.Count - 1; i >= 0; i--)
            {
                owned[i].Dispose();
            }
            throw;
        }
    }

    private void CollectGarbage()
    {
        _tools.Images?.Collect();
        _tools.Volumes.WipeDoomed();
        _ = _tools.ExternalVolumes.UnmountUnusedAsync(_tools.Stopping);
        var known = _tasks.All.Select(task => TaskCheckpoints.FileName(task.TaskId)).ToHashSet(StringComparer.Ordinal);
        known.UnionWith(_tasks.All.Select(task => task.Snapshot.GroupId).OfType<string>().Select(TaskCheckpoints.FileName));
        _tools.Sandboxes.Collect(known.Contains);
    }

    private async Task RepeatAsync(TimeSpan interval, Action work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await Task.Delay(interval, _tools.Time, cancellationToken).ConfigureAwait(false);
                work();
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // One bad round must not end log rotation for ever.
                LogRoundFailed(_tools.Logger, e);
            }
        }
    }

    /// <summary>Ends the agent, not its containers: the next one finds them. Repeatable.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var loop in _loops)
        {
            await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        // Containers that are just being started get their checkpoint; nothing new begins any more.
        using (var patience = new CancellationTokenSource(StopPatience))
        {
            try
            {
                for (var i = 0; i < _launchParallelism; i++)
                {
                    await _tools.LaunchSlots.WaitAsync(patience.Token).ConfigureAwait(false);
                }
                await _tasks.WhenIdleAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                LogStoppedEarly(_tools.Logger);
            }
        }
        foreach (var task in _tasks.All)
        {
            task.Detach();
        }
        if (_vips is not null)
        {
            // Tasks that go on without us keep finding what they know.
            if (LiveTasks == 0)
            {
                await _vips.RemoveAsync().ConfigureAwait(false);
            }
            await _vips.DisposeAsync().ConfigureAwait(false);
        }
        if (LiveTasks == 0)
        {
            await _tools.Networks.RemoveResolverAsync().ConfigureAwait(false);
        }
        await _tools.Networks.DisposeAsync().ConfigureAwait(false);
        for (var i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }
        _stopping.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    [LoggerMessage(2001, LogLevel.Error, "Unexpected error in the agent's house-keeping")]
    private static partial void LogRoundFailed(ILogger logger, Exception e);

    [LoggerMessage(2002, LogLevel.Warning, "Stopped while containers were still being started; the next agent finds them")]
    private static partial void LogStoppedEarly(ILogger logger);
}

/// <summary>What an agent is made of besides its options; tests bring their own.</summary>
internal sealed record AgentParts(Func<AgentOptions, ILoggerFactory, CancellationToken, Task<IContainerRuntime>> MakeRuntime)
{
    /// <summary>Null: lines on stderr at <see cref="AgentOptions.LogLevel"/>.</summary>
    public ILoggerFactory? Logging { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public Func<Guid> NewId { get; init; } = Guid.NewGuid;
}
