using Microsoft.Extensions.Logging;

namespace Pacer.Agent.Networks;

/// <summary>The way back after a crash, the regular look whether all is still there, and the end.</summary>
internal sealed partial class NodeNetworks
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Takes over what an earlier agent left: attachments with a member that is known stay, everything else of this work directory
    /// (interfaces, namespaces, addresses, rules) is removed. To be called before anything is attached, when the containers that
    /// nobody knows are gone.
    /// </summary>
    /// <returns>How many attachments were removed.</returns>
    public async Task<int> ReconcileAsync(IReadOnlySet<string> known)
    {
        if (NetworkTools.Missing() is not null || Containers.Native.Libc.GetUid() != 0)
        {
            return 0;
        }
        try
        {
            return await ReconcileCoreAsync(known).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            // A node that can't clean up must still look after its running tasks.
            LogReconcile(_logger, e.Message);
            return 0;
        }
    }

    private async Task<int> ReconcileCoreAsync(IReadOnlySet<string> known)
    {
        var removed = 0;
        foreach (var loaded in _store.Load())
        {
            var attachment = loaded with { Members = [.. loaded.Members.Where(member => known.Contains(member.Name))] };
            lock (_gate)
            {
                _attachments[attachment.Id] = attachment;
                _lastSlot = Math.Max(_lastSlot, Math.Max(attachment.Slot, attachment.Links.Max(link => link.Slot)));
            }
            if (attachment.Members.Count > 0)
            {
                continue;
            }
            removed++;
            try
            {
                await UnmakeAsync(attachment).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                // A plugin that is gone can't be asked again; what is the agent's own is found by its name below.
                LogReconcile(_logger, e.Message);
                _store.Remove(attachment);
                lock (_gate)
                {
                    _attachments.Remove(attachment.Id);
                }
            }
        }
        IReadOnlyList<Attachment> kept;
        lock (_gate)
        {
            kept = [.. _attachments.Values];
        }
        await SweepAsync(kept).ConfigureAwait(false);
        await _bridges.RestoreAsync(kept.SelectMany(attachment => attachment.Links).Where(link => link.Cni is null).Select(link => link.Network).ToHashSet()).ConfigureAwait(false);
        await _forward.RemoveAsync(_bridges.Interfaces).ConfigureAwait(false);
        if (kept.Count == 0)
        {
            await _ports.DropAsync().ConfigureAwait(false);
            _store.RemoveAll();
        }
        else
        {
            await _ports.RestoreAsync(_bridges.Ranges(), kept.SelectMany(attachment => attachment.Members
                .SelectMany(member => Translations(attachment, member.Ports).Select(port => (port, member.Name))))).ConfigureAwait(false);
            await _forward.EnsureAsync(_bridges.Interfaces).ConfigureAwait(false);
        }
        await RestoreResolverAsync(known.Count > 0).ConfigureAwait(false);
        return removed;
    }

    /// <summary>Removes every interface and namespace that has this agent's name and no attachment.</summary>
    private async Task SweepAsync(IReadOnlyList<Attachment> kept)
    {
        var names = kept.Select(attachment => _naming.Namespace(attachment.Slot)).ToHashSet(StringComparer.Ordinal);
        if (Directory.Exists("/run/netns"))
        {
            foreach (var name in Directory.EnumerateFiles("/run/netns", _naming.Prefix + "-*").Select(path => Path.GetFileName(path)).Where(name => !names.Contains(name)))
            {
                await RemoveAsync(name, []).ConfigureAwait(false);
            }
        }
        var links = kept.SelectMany(attachment => attachment.Links).Where(link => link.Cni is null)
            .SelectMany(link => (string[])[_naming.HostLink(link.Slot), _naming.Bridge(link.Network)]).ToHashSet(StringComparer.Ordinal);
        foreach (var link in (await _tools.LinksAsync().ConfigureAwait(false)).Where(link => link.StartsWith(_naming.Prefix, StringComparison.Ordinal) && !links.Contains(link)))
        {
            // Its other end may be on its way out already.
            if (!await _tools.TryAsync("ip", ["link", "del", link]).ConfigureAwait(false) && await _tools.LinkExistsAsync(link).ConfigureAwait(false))
            {
                LogReconcile(_logger, $"the interface {link} could not be removed");
            }
        }
    }

    /// <summary>Puts back rules that someone removed, and those that someone else's firewall has come to need. To be called now and then.</summary>
    public async Task CheckAsync()
    {
        if (Unavailable is not null)
        {
            return;
        }
        await _ports.EnsureAsync().ConfigureAwait(false);
        await _resolver.EnsureAsync().ConfigureAwait(false);
        if (_bridges.Interfaces is { Count: > 0 } interfaces)
        {
            await _forward.EnsureAsync(interfaces).ConfigureAwait(false);
        }
    }

    /// <summary>Removes bridges and rules, unless a task is attached.</summary>
    public async Task RemoveGroundAsync()
    {
        lock (_gate)
        {
            if (_attachments.Count > 0)
            {
                return;
            }
        }
        if (_bridges.Interfaces.Count == 0 && !_ports.IsWritten)
        {
            return;
        }
        try
        {
            await _bridges.RemoveAllAsync().ConfigureAwait(false);
            await _forward.RemoveAsync([]).ConfigureAwait(false);
            await _ports.DropAsync().ConfigureAwait(false);
            _store.RemoveAll();
        }
        catch (IOException e)
        {
            // The next agent of this work directory finds it by its name.
            LogReconcile(_logger, e.Message);
        }
    }

    /// <summary>Waits a moment for what is being attached or detached, then <see cref="RemoveGroundAsync"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        var held = new List<SemaphoreSlim>();
        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            foreach (var stripe in _stripes)
            {
                await stripe.WaitAsync(patience.Token).ConfigureAwait(false);
                held.Add(stripe);
            }
        }
        catch (OperationCanceledException)
        {
            // It has a record, so the next agent finds it.
        }
        await RemoveGroundAsync().ConfigureAwait(false);
        await LeaveDnsAsync().ConfigureAwait(false);
        foreach (var stripe in held)
        {
            stripe.Release();
        }
    }

    [LoggerMessage(2701, LogLevel.Warning, "Networks that an earlier agent left could not be cleaned up: {Cause}")]
    private static partial void LogReconcile(ILogger logger, string cause);
}
