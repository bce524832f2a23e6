using System.Collections.Immutable;
using System.Net;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>
/// Keeps a HAProxy doing what the newest routing table says. Changes of servers are told to the running process; it loads a configuration anew
/// only when something else changed, and only one that it found good before.
/// </summary>
internal sealed class HaproxyEngine : IAsyncDisposable
{
    /// <summary>Changes that need a reload and come within this time become one.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(250);

    private readonly HaproxyProcess _process;
    private readonly Func<HaproxySetup> _setup;
    private readonly HaproxyDirectory _directory;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly UnavailablePorts _unavailable = new();
    private readonly RefusedServices _refusedServices = new();
    private readonly DrainingServers _draining;
    private readonly UnexpectedEnds _ends;
    private readonly HaproxyCounts _earlier = new();
    private RoutingTable? _wanted;
    private TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HaproxyConfiguration? _running;
    private ImmutableHashSet<string> _binds = [];
    private string? _refusedText;
    private string? _refused;
    private string? _trouble;
    private Task _following = Task.CompletedTask;

    private HaproxyEngine(HaproxyDirectory directory, Func<HaproxySetup> setup, TimeProvider time)
    {
        _directory = directory;
        _setup = setup;
        _draining = new DrainingServers(time);
        _ends = new UnexpectedEnds(time);
        _process = new HaproxyProcess(directory.Path);
        Adopted = _process.Master is not null;
        if (Adopted)
        {
            Restore();
        }
    }

    /// <summary>One runs already, from a Pacer that is gone. It goes on as it is until routes are known.</summary>
    public bool Adopted { get; }

    /// <summary>Its own listeners as they were chosen last, by the address that was wanted; only while it is adopted.</summary>
    public IReadOnlyDictionary<(string Kind, string Wanted), IPEndPoint> Chosen { get; private set; } = new Dictionary<(string, string), IPEndPoint>();

    public int Reloads { get; private set; }

    public HaproxyProcess Process => _process;

    /// <summary>What runs; empty while nothing does, or not ours yet.</summary>
    public IReadOnlyList<HaproxyProxy> Proxies => _running is { } running ? running.Proxies : [];

    /// <summary>What runs as text; null while nothing does.</summary>
    public string? Configuration => _running?.Text;

    public IReadOnlyList<BalancerWarning> Warnings
    {
        get
        {
            lock (_lock)
            {
                var warnings = new List<BalancerWarning>();
                if (_trouble is { } trouble)
                {
                    warnings.Add(new BalancerWarning("", null, trouble));
                }
                else if (_ends.Warning is { } ended)
                {
                    warnings.Add(new BalancerWarning("", null, ended));
                }
                if (_refused is { } refused)
                {
                    warnings.Add(new BalancerWarning("", null, $"HAProxy refuses the newest configuration, so the one before stays in force, with servers as they are now: {refused}"));
                }
                warnings.AddRange(_refusedServices.Warnings);
                warnings.AddRange(_unavailable.Warnings);
                return warnings;
            }
        }
    }

    public bool WaitsForPorts => _unavailable.Warnings.Count > 0;

    /// <summary>Takes the directory. Throws <see cref="BalancerStartException"/> when it can't be used or there is no HAProxy.</summary>
    /// <param name="setup">What holds at the moment a configuration is written.</param>
    public static HaproxyEngine Open(string directory, Func<HaproxySetup> setup, TimeProvider time)
    {
        if (HaproxyProcess.Program is null)
        {
            throw new BalancerStartException("--lb-engine haproxy needs HAProxy, and there is none on this machine. Install the package haproxy (apt install haproxy, dnf install haproxy), or use --lb-engine embedded.");
        }
        return new HaproxyEngine(HaproxyDirectory.Take(directory), setup, time);
    }

    /// <summary>Begins to serve. What an adopted one serves stays until the first routes are posted.</summary>
    /// <param name="chosen">Its own listeners.</param>
    public async Task StartAsync(IEnumerable<(string Kind, string Wanted, IPEndPoint Address)> chosen)
    {
        await _directory.WriteListenersAsync(chosen);
        if (!Adopted)
        {
            Post(RoutingTable.Empty);
        }
        _following = FollowAsync();
        if (!Adopted)
        {
            await Settled();
            if (_trouble is { } trouble)
            {
                throw new BalancerStartException(trouble);
            }
        }
    }

    public void Post(RoutingTable table)
    {
        lock (_lock)
        {
            _wanted = table;
            if (_settled.Task.IsCompleted)
            {
                _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
        Wake();
    }

    /// <summary>Completes when HAProxy was told all that was posted so far.</summary>
    public Task Settled()
    {
        lock (_lock)
        {
            return _settled.Task;
        }
    }

    /// <summary>Numbers of all workers, those too that only finish what they have.</summary>
    public async Task<HaproxyCounts> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new HaproxyCounts();
        await _turn.WaitAsync(cancellationToken);
        try
        {
            counts.AddTotals(_earlier);
            var newest = true;
            foreach (var worker in await _process.WorkersAsync() ?? [])
            {
                counts.Add(HaproxyStatistics.Read(await _process.AskAsync(worker, "show stat", cancellationToken)), newest);
                newest = false;
            }
        }
        catch (IOException)
        {
            // It has just ended; the rest of the status says so.
        }
        finally
        {
            _turn.Release();
        }
        return counts;
    }

    /// <summary>Ends connections to servers that have drained for too long.</summary>
    public async Task CutAsync(TimeSpan longest)
    {
        var overdue = _draining.TakeOverdue(longest);
        try
        {
            foreach (var worker in overdue.Count > 0 ? await _process.WorkersAsync() ?? [] : [])
            {
                foreach (var row in HaproxyStatistics.Read(await _process.AskAsync(worker, "show stat", CancellationToken.None)).Where(row => row.IsServer && row.Current > 0 && overdue.Contains((row.Proxy, row.Address))))
                {
                    await _process.AskAsync(worker, $"shutdown sessions server {row.Proxy}/{row.Name}", CancellationToken.None);
                }
            }
        }
        catch (IOException)
        {
            // Nobody serves them any more.
        }
    }

    /// <summary>HAProxy goes on without this process, for the one that comes next.</summary>
    public bool Leaves { get; set; }

    /// <summary>Ends a HAProxy whose Pacer is gone; nothing when there is none, or when somebody still works with it.</summary>
    public static async Task EndAsync(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }
        try
        {
            await Open(directory, () => throw new InvalidOperationException("nothing is configured any more"), TimeProvider.System).DisposeAsync();
        }
        catch (BalancerStartException)
        {
            // Not ours to end.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Wake();
        await _following;
        if (!Leaves)
        {
            await _process.EndAsync(TimeSpan.FromSeconds(5));
        }
        await _directory.DisposeAsync();
        if (!Leaves && _process.Master is null)
        {
            _directory.Delete();
        }
        _stopping.Dispose();
    }

    private void Wake()
    {
        lock (_wake)
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
    }

    private async Task FollowAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(Pulse, _stopping.Token);
                await _turn.WaitAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            try
            {
                await StepAsync();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                SetTrouble($"HAProxy can't be told the newest routes: {e.Message}");
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    private async Task StepAsync()
    {
        RoutingTable? table;
        lock (_lock)
        {
            table = _wanted;
        }
        if (table is null)
        {
            return;
        }
        if (_process.Master is null)
        {
            await RestartAsync(table);
        }
        else if (!_settled.Task.IsCompleted || _trouble is not null)
        {
            await ChangeAsync(table);
        }
    }

    private async Task RestartAsync(RoutingTable table)
    {
        lock (_lock)
        {
            if (_running is not null)
            {
                _running = null;
                _binds = [];
                _ends.Add();
            }
        }
        if (_ends.Pause is { } pause)
        {
            SetTrouble(_trouble ?? pause);
            return;
        }
        var configuration = Render(table, null);
        _directory.Write(configuration, _process.ConfigurationFile);
        while (await _process.CheckAsync(_process.ConfigurationFile) is { } problem && _refusedServices.TryAdd(configuration, problem))
        {
            configuration = Render(table, null);
            _directory.Write(configuration, _process.ConfigurationFile);
        }
        if (await _process.StartAsync() is { } trouble)
        {
            _ends.DidNotStart();
            SetTrouble($"HAProxy does not start: {trouble}");
            Complete(table);
            return;
        }
        Took(configuration, table);
    }

    private async Task ChangeAsync(RoutingTable table)
    {
        _draining.Note(Proxies, table);
        await TellServersAsync(table);
        var configuration = Render(table, _running);
        if (_running is not null && configuration.Skeleton == _running.Skeleton)
        {
            _running = configuration; // nothing but servers, which it knows by now
            lock (_lock)
            {
                (_refused, _refusedText) = (null, null);
            }
            SetTrouble(null);
            Complete(table);
            return;
        }
        await Task.Delay(Together, _stopping.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        lock (_lock)
        {
            table = _wanted ?? table;
        }
        configuration = Render(table, _running);
        if (configuration.Skeleton == _refusedText)
        {
            await TellServersAsync(table);
            Complete(table);
            return;
        }
        var next = _directory.File("next.cfg");
        _directory.Write(configuration, next);
        string? problem;
        while ((problem = await _process.CheckAsync(next)) is not null && _refusedServices.TryAdd(configuration, problem))
        {
            configuration = Render(table, _running);
            _directory.Write(configuration, next);
        }
        if (problem is not null)
        {
            await TellServersAsync(table);
            lock (_lock)
            {
                (_refused, _refusedText) = (problem.Replace(next, "next.cfg", StringComparison.Ordinal), configuration.Skeleton);
            }
            Complete(table);
            return;
        }
        await KeepTotalsAsync();
        var before = File.Exists(_process.ConfigurationFile) ? await File.ReadAllTextAsync(_process.ConfigurationFile) : null;
        File.Move(next, _process.ConfigurationFile, true);
        if (await _process.ReloadAsync() is { } trouble)
        {
            if (_process.Master is not null)
            {
                if (before is not null)
                {
                    await File.WriteAllTextAsync(_process.ConfigurationFile, before);
                }
                lock (_lock)
                {
                    (_refused, _refusedText) = (trouble, configuration.Skeleton);
                }
                Complete(table);
            }
            return;
        }
        Reloads++;
        Took(configuration, table);
    }

    /// <summary>Tells what runs of the servers that have places in it.</summary>
    private async Task TellServersAsync(RoutingTable table)
    {
        if (_running is not { } running)
        {
            return;
        }
        var backends = table.Backends.ToDictionary(backend => (backend.ServiceId, backend.PortIndex));
        var commands = new List<string>();
        var proxies = running.Proxies.ToBuilder();
        for (var i = 0; i < proxies.Count; i++)
        {
            var proxy = proxies[i];
            var backend = backends.GetValueOrDefault((proxy.Backend.ServiceId, proxy.Backend.PortIndex));
            if (backend is null || ServerSlots.Fill(backend, proxy.Slots, proxy.Sticky) is not { } slots)
            {
                continue;
            }
            commands.AddRange(ServerSlots.Commands(proxy.Name, proxy.Slots, slots));
            proxies[i] = proxy with { Slots = slots };
        }
        if (commands.Count > 0)
        {
            await HaproxySocket.TellAsync(_process.AdminSocket, commands);
            _running = running with { Proxies = proxies.ToImmutable() };
        }
    }

    private void Took(HaproxyConfiguration configuration, RoutingTable table)
    {
        lock (_lock)
        {
            _running = configuration;
            _binds = configuration.Binds;
            (_refused, _refusedText) = (null, null);
        }
        SetTrouble(null);
        Complete(table);
        _earlier.Forget(configuration.Proxies.SelectMany(proxy => proxy.Slots.Select(slot => (proxy.Name, slot.Address?.ToString() ?? ""))).ToHashSet());
        _directory.Tidy(configuration);
    }

    private void Complete(RoutingTable table)
    {
        lock (_lock)
        {
            if (ReferenceEquals(table, _wanted))
            {
                _settled.TrySetResult();
            }
            else
            {
                Wake();
            }
        }
    }

    private void SetTrouble(string? trouble)
    {
        lock (_lock)
        {
            _trouble = trouble;
        }
    }

    private HaproxyConfiguration Render(RoutingTable table, HaproxyConfiguration? running)
    {
        var setup = _setup() with { Directory = _directory.Path };
        table = _refusedServices.Without(table, setup.MarathonLbPaths);
        setup = setup with { Unavailable = _unavailable.Probe(table, setup, _binds) };
        return HaproxyRenderer.Render(table, setup, running?.Proxies.ToDictionary(proxy => proxy.Name, proxy => proxy.Slots));
    }

    private async Task KeepTotalsAsync()
    {
        try
        {
            if (await _process.WorkersAsync() is [var worker, ..])
            {
                var counts = new HaproxyCounts();
                counts.Add(HaproxyStatistics.Read(await _process.AskAsync(worker, "show stat", CancellationToken.None)), true);
                _earlier.AddTotals(counts);
            }
        }
        catch (IOException)
        {
            // Then the numbers begin again.
        }
    }

    /// <summary>What the one before left in writing.</summary>
    private void Restore()
    {
        try
        {
            _binds = [.. HaproxyDirectory.ReadBinds(_process.ConfigurationFile)];
            Chosen = _directory.ReadListeners();
        }
        catch (IOException)
        {
            // Then its ports are looked at like all others.
        }
    }
}
