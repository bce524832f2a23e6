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
    private readonly HaproxyDirectory _directory;
    private readonly ConfigurationWriter _writer;
    private readonly WorkerCounts _counts;
    private readonly DrainingServers _draining;
    private readonly UnexpectedEnds _ends;
    private readonly WantedRoutes _wanted = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private HaproxyConfiguration? _running;
    private ImmutableHashSet<string> _binds = [];
    private bool _strayed;
    private bool _isGone;
    private string? _refusedText;
    private string? _refused;
    private string? _trouble;
    private Task _following = Task.CompletedTask;

    private HaproxyEngine(HaproxyDirectory directory, Func<HaproxySetup> setup, TimeProvider time)
    {
        _directory = directory;
        _process = new HaproxyProcess(directory.Path);
        _writer = new ConfigurationWriter(_process, directory, setup);
        _counts = new WorkerCounts(_process);
        _draining = new DrainingServers(time);
        _ends = new UnexpectedEnds(time);
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
                return [.. warnings, .. _writer.Warnings];
            }
        }
    }

    public bool WaitsForPorts => _writer.WaitsForPorts;

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

    public void Post(RoutingTable table) => _wanted.Post(table);

    /// <summary>Completes when HAProxy was told all that was posted so far.</summary>
    public Task Settled() => _wanted.Settled;

    /// <summary>Numbers of all workers, those too that only finish what they have.</summary>
    public async Task<HaproxyCounts> CountAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await _counts.ReadAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends connections to servers that have drained for too long.</summary>
    public Task CutAsync(TimeSpan longest) => _draining.CutAsync(longest, _process);

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

    private async Task FollowAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _wanted.WaitAsync(Pulse, _stopping.Token);
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
        if (_wanted.Newest is not { } table)
        {
            await KeepAdoptedAsync();
            return;
        }
        if (_process.Master is null)
        {
            await RestartAsync(table);
        }
        else if (!_wanted.Settled.IsCompleted || _trouble is not null)
        {
            await ChangeAsync(table);
        }
    }

    /// <summary>What was adopted goes on; should it end before there is anything newer to do, with what it did.</summary>
    private async Task KeepAdoptedAsync()
    {
        if (!Adopted || _process.Master is not null)
        {
            _isGone = false;
            return;
        }
        if (!_isGone)
        {
            _isGone = true;
            _ends.Add();
        }
        if (_ends.Pause is { } pause)
        {
            SetTrouble(_trouble ?? pause);
        }
        else if (await _process.StartAsync() is { } trouble)
        {
            _ends.DidNotStart();
            SetTrouble($"HAProxy does not start: {trouble}");
        }
        else
        {
            SetTrouble(null);
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
        var (configuration, _) = await _writer.WriteAsync(_process.ConfigurationFile, table, null, _binds);
        if (await _process.StartAsync() is { } trouble)
        {
            _ends.DidNotStart();
            SetTrouble($"HAProxy does not start: {trouble}");
            _wanted.Complete(table);
            return;
        }
        Took(configuration, table);
    }

    private async Task ChangeAsync(RoutingTable table)
    {
        _draining.Note(Proxies, table);
        await TellServersAsync(table);
        var configuration = _writer.Render(table, _running, _binds);
        if (_running is not null && configuration.Skeleton == _running.Skeleton && !_strayed)
        {
            _running = configuration; // nothing but servers, which it knows by now
            SetRefused(null, null);
            SetTrouble(null);
            _wanted.Complete(table);
            return;
        }
        await Task.Delay(Together, _stopping.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        table = _wanted.Newest ?? table;
        if (_writer.Render(table, _running, _binds).Skeleton == _refusedText)
        {
            await TellServersAsync(table);
            _wanted.Complete(table);
            return;
        }
        var next = _directory.File("next.cfg");
        (configuration, var problem) = await _writer.WriteAsync(next, table, _running, _binds);
        if (problem is not null)
        {
            await TellServersAsync(table);
            SetRefused(problem.Replace(next, "next.cfg", StringComparison.Ordinal), configuration.Skeleton);
            _wanted.Complete(table);
            return;
        }
        await _counts.KeepAsync();
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
                SetRefused(trouble, configuration.Skeleton);
                _wanted.Complete(table);
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
        var passedOn = new HashSet<(string Proxy, string Slot)>();
        var proxies = running.Proxies.ToBuilder();
        for (var i = 0; i < proxies.Count; i++)
        {
            var proxy = proxies[i];
            if (backends.GetValueOrDefault((proxy.Backend.ServiceId, proxy.Backend.PortIndex)) is not { } backend)
            {
                continue;
            }
            var slots = ServerSlots.Adjust(backend, proxy.Slots, proxy.Sticky);
            commands.AddRange(ServerSlots.Commands(proxy.Name, proxy.Slots, slots));
            passedOn.UnionWith(proxy.Slots.Zip(slots).Where(slot => slot.First.Address is not null && !slot.First.Address.Equals(slot.Second.Address)).Select(slot => (proxy.Name, slot.First.Name)));
            proxies[i] = proxy with { Slots = slots };
        }
        if (commands.Count == 0)
        {
            return;
        }
        try
        {
            await _counts.PassOnAsync(passedOn);
            await HaproxySocket.TellAsync(_process.AdminSocket, commands);
            _running = running with { Proxies = proxies.ToImmutable() };
        }
        catch (IOException)
        {
            _strayed = true; // what it does now is not known: it loads all servers anew
        }
    }

    private void Took(HaproxyConfiguration configuration, RoutingTable table)
    {
        lock (_lock)
        {
            _running = configuration;
            _binds = configuration.Binds;
        }
        _strayed = false;
        SetRefused(null, null);
        SetTrouble(null);
        _wanted.Complete(table);
        _counts.Begin(configuration);
        _directory.Tidy(configuration);
    }

    private void SetRefused(string? problem, string? skeleton)
    {
        lock (_lock)
        {
            (_refused, _refusedText) = (problem, skeleton);
        }
    }

    private void SetTrouble(string? trouble)
    {
        lock (_lock)
        {
            _trouble = trouble;
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
