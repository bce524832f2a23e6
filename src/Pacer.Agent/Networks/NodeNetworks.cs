using Microsoft.Extensions.Logging;
using Pacer.Agent.Networks.Cni;

namespace Pacer.Agent.Networks;

/// <summary>
/// The networks of a node that tasks can have instead of the node's own: the bridge network, named ones on bridges of the agent's own,
/// and those of CNI plugins. A task's namespace is attached before its container is created, and detached after the container is gone.
/// <para>
/// Everything is recorded before it is made, so that after <c>kill -9</c> at any point <see cref="ReconcileAsync"/> finds it again.
/// </para>
/// </summary>
internal sealed partial class NodeNetworks : IAsyncDisposable
{
    private const int MostSlots = 1_000_000;
    private const int Stripes = 64;

    private readonly NetworkSettings _settings;
    private readonly NetworkNaming _naming;
    private readonly NetworkTools _tools;
    private readonly AttachmentStore _store;
    private readonly PortTable _ports;
    private readonly ForwardRules _forward;
    private readonly NodeBridges _bridges;
    private readonly ResolverAddress _resolver;
    private readonly CniDirectory _cniDirectory;
    private readonly CniChain _cni;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new SemaphoreSlim(1))];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Attachment> _attachments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint> _lastAddress = new(StringComparer.Ordinal);
    private int _lastSlot = -1;

    private NodeNetworks(NetworkSettings settings, NetworkTools tools, string? unavailable, ILogger logger)
    {
        _settings = settings;
        _tools = tools;
        _logger = logger;
        Unavailable = unavailable;
        _naming = new NetworkNaming(settings.WorkDir);
        _store = new AttachmentStore(settings.RunDir);
        _ports = new PortTable(tools, _naming);
        _forward = new ForwardRules(tools, _naming);
        _bridges = new NodeBridges(settings, _naming, tools, _store, _ports, _forward);
        _resolver = new ResolverAddress(tools, _naming, settings.RunDir);
        _cniDirectory = new CniDirectory(settings.CniConfigDirectory, logger);
        _cni = new CniChain(tools);
        Names = unavailable is not null
            ? []
            : [NetworkNaming.BridgeNetwork, .. settings.Own.Keys, .. _cniDirectory.Read().Select(network => network.Name).Where(name => !settings.Own.ContainsKey(name))];
    }

    /// <summary>Why there are no networks here, in one line with the remedy; null when there are.</summary>
    public string? Unavailable { get; }

    /// <summary>What the node advertises.</summary>
    public IReadOnlyList<string> Names { get; }

    public NetworkNaming Naming => _naming;

    /// <param name="unavailable">Why the container runtime can't use networks; null when it can.</param>
    /// <exception cref="AgentException">A setting can't be used on this machine.</exception>
    public static async Task<NodeNetworks> OpenAsync(NetworkSettings settings, NetworkTools tools, string? unavailable, ILogger logger)
    {
        unavailable ??= NetworkTools.Missing() is { } missing ? $"tasks have no networks of their own here; `apt-get install {missing}`" : null;
        if (unavailable is null)
        {
            var naming = new NetworkNaming(settings.WorkDir);
            var probe = await tools.RunAsync("nft", ["-c", "-f", "-"], FirewallScript.Whole(naming.Table, [], [])).ConfigureAwait(false);
            unavailable = probe.Code == 0 ? null : $"tasks have no networks of their own here: nftables refuses ({probe.Trouble}); start the agent outside of a container, or in a privileged one";
            if (unavailable is null && (settings.BridgeSubnet is not null || settings.Own.Count > 0))
            {
                var routes = await tools.RoutesAsync(naming.Prefix).ConfigureAwait(false);
                CheckSubnet("--bridge-subnet", settings.BridgeSubnet, routes);
                foreach (var (name, subnet) in settings.Own)
                {
                    CheckSubnet($"--network {name}", subnet, routes);
                }
            }
        }
        return new NodeNetworks(settings, tools, unavailable, logger);
    }

    private static void CheckSubnet(string flag, Subnet? subnet, IReadOnlyList<Subnet> routes)
    {
        foreach (var route in routes)
        {
            if (subnet?.Overlaps(route) == true)
            {
                throw new AgentException($"{flag}: this machine has a route to {route}, which {subnet} overlaps. Choose another subnet.");
            }
        }
    }

    /// <summary>
    /// Makes the namespace with its interfaces and addresses, or joins the one that another member made, and opens the member's ports.
    /// After a failure <see cref="DetachAsync"/> is still due.
    /// </summary>
    /// <exception cref="NetworkException">It can't be had; the message says why.</exception>
    public async Task<NetworkPlace> AttachAsync(NetworkRequest request)
    {
        if (Unavailable is { } reason)
        {
            throw new NetworkException(reason);
        }
        using var held = await EnterAsync(request.AttachmentId).ConfigureAwait(false);
        try
        {
            var mapped = Mapped(request);
            Attachment attachment;
            if (Find(request.AttachmentId) is { } joined)
            {
                attachment = joined with { Members = [.. joined.Members.Where(member => member.Name != request.Member), new AttachedMember(request.Member, mapped)] };
                Keep(attachment);
            }
            else
            {
                attachment = await MakeAsync(request, mapped).ConfigureAwait(false);
            }
            await _ports.AddAsync(request.Member, Translations(attachment, mapped)).ConfigureAwait(false);
            return PlaceOf(attachment);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NetworkException($"its network could not be made: {e.Message}");
        }
    }

    /// <summary>The member leaves; with the last one the namespace goes. Repeatable; no error when it never joined.</summary>
    /// <exception cref="IOException">Something could not be removed; to be tried again.</exception>
    public async Task DetachAsync(string member)
    {
        string? id;
        lock (_gate)
        {
            id = _attachments.Values.FirstOrDefault(attachment => Has(attachment, member))?.Id;
        }
        if (id is null)
        {
            return;
        }
        using var held = await EnterAsync(id).ConfigureAwait(false);
        if (Find(id) is not { } found || !Has(found, member))
        {
            return;
        }
        await _ports.RemoveAsync(member).ConfigureAwait(false);
        var left = found.Members.Where(other => other.Name != member).ToList();
        if (left.Count > 0)
        {
            Keep(found with { Members = left });
        }
        else
        {
            await UnmakeAsync(found).ConfigureAwait(false);
        }
    }

    /// <summary>Where a member is; null when it has no network of its own.</summary>
    public NetworkPlace? PlaceOfMember(string member)
    {
        lock (_gate)
        {
            return _attachments.Values.FirstOrDefault(attachment => Has(attachment, member)) is { } found ? PlaceOf(found) : null;
        }
    }

    private async Task<Attachment> MakeAsync(NetworkRequest request, IReadOnlyList<MappedPort> mapped)
    {
        var ranges = new Dictionary<string, BridgeRange>(StringComparer.Ordinal);
        var chains = new Dictionary<string, CniNetwork>(StringComparer.Ordinal);
        foreach (var wanted in request.Networks)
        {
            if (_bridges.IsOwn(wanted.Name))
            {
                ranges[wanted.Name] = await _bridges.EnsureAsync(wanted.Name).ConfigureAwait(false);
            }
            else
            {
                chains[wanted.Name] = _cniDirectory.Read().FirstOrDefault(network => network.Name == wanted.Name)
                    ?? throw new NetworkException($"this node has no network '{wanted.Name}'; it has {string.Join(", ", Names)}");
            }
        }

        if (ranges.Count > 0)
        {
            await LeadDnsAsync().ConfigureAwait(false);
        }
        var attachment = Plan(request, mapped, ranges, chains);
        var ns = _naming.Namespace(attachment.Slot);
        var links = attachment.Links.Where(link => link.Cni is null)
            .Select(link => new PlannedLink(_naming.HostLink(link.Slot), link.Device, ranges[link.Network].Bridge, ranges[link.Network].Subnet, link.Address!)).ToList();
        await _tools.DemandAsync("ip", ["-batch", "-"], LinkScript.Outside(ns, links)).ConfigureAwait(false);
        await _tools.DemandAsync("ip", ["-n", ns, "-batch", "-"], LinkScript.Inside(links, attachment.Links[0].Cni is null)).ConfigureAwait(false);
        foreach (var link in attachment.Links.Where(link => link.Cni is not null).ToList())
        {
            var result = await _cni.AddAsync(chains[link.Network], link.Cni!, ContainerIdOf(attachment), NetworkNaming.NamespacePath(ns), link.Device).ConfigureAwait(false);
            var done = link with { Address = CniMessages.Addresses(result).FirstOrDefault(), Cni = link.Cni! with { Result = result } };
            attachment = attachment with { Links = [.. attachment.Links.Select(other => other == link ? done : other)] };
            Keep(attachment);
        }
        WriteFiles(attachment, ranges);
        return attachment;
    }

    /// <summary>Chooses numbers and addresses that no other attachment has, and records them.</summary>
    private Attachment Plan(
        NetworkRequest request, IReadOnlyList<MappedPort> mapped, Dictionary<string, BridgeRange> ranges, Dictionary<string, CniNetwork> chains)
    {
        lock (_gate)
        {
            var links = new List<AttachedLink>();
            foreach (var (index, wanted) in request.Networks.Index())
            {
                if (chains.TryGetValue(wanted.Name, out var chain))
                {
                    var handed = chain.MapsPorts ? mapped.Where(port => port.Network == wanted.Name).ToList() : [];
                    links.Add(new AttachedLink(
                        wanted.Name, NetworkNaming.Device(index), -1, null, new CniAttachment(chain.Text, _settings.CniPluginDirectories, wanted.Labels, handed, null)));
                    continue;
                }
                var subnet = ranges[wanted.Name].Subnet;
                var used = _attachments.Values.SelectMany(attachment => attachment.Links).Where(link => link.Network == wanted.Name && link.Cni is null)
                    .Select(link => Subnet.TryParseAddress(link.Address, out var address) ? address : 0).ToHashSet();
                var free = AddressPool.Next(subnet, used, _lastAddress.GetValueOrDefault(wanted.Name))
                    ?? throw new NetworkException($"all {used.Count} addresses of the network '{wanted.Name}' ({subnet}) on this node are in use");
                _lastAddress[wanted.Name] = free;
                links.Add(new AttachedLink(wanted.Name, NetworkNaming.Device(index), NextSlot(), Subnet.Text(free), null));
            }
            var attachment = new Attachment(request.AttachmentId, NextSlot(), request.Hostname, links, [new AttachedMember(request.Member, mapped)]);
            Keep(attachment);
            return attachment;
        }
    }

    private int NextSlot()
    {
        var used = _attachments.Values.SelectMany(attachment => attachment.Links.Select(link => link.Slot).Append(attachment.Slot)).ToHashSet();
        do
        {
            _lastSlot = (_lastSlot + 1) % MostSlots;
        }
        while (used.Contains(_lastSlot));
        return _lastSlot;
    }

    private void WriteFiles(Attachment attachment, Dictionary<string, BridgeRange> ranges)
    {
        var gateway = ranges.Count > 0 ? Subnet.Text(ranges.Values.First().Subnet.Gateway) : "127.0.0.1";
        var resolv = _settings.ContainerDns && ranges.Count > 0
            ? ContainerDns.Resolv(NodeResolver.Read(), gateway)
            : ContainerFiles.Resolv(NodeResolver.Read(), gateway);
        _store.SaveFile(attachment, "resolv.conf", resolv);
        _store.SaveFile(attachment, "hosts", ContainerFiles.Hosts([.. attachment.Links.Select(link => link.Address).OfType<string>()], attachment.Hostname));
        _store.SaveFile(attachment, "hostname", attachment.Hostname + "\n");
    }

    private async Task UnmakeAsync(Attachment attachment)
    {
        var ns = _naming.Namespace(attachment.Slot);
        var path = NetworkNaming.NamespacePath(ns);
        foreach (var link in attachment.Links.Where(link => link.Cni is not null).Reverse())
        {
            await _cni.RemoveAsync(link.Cni!, ContainerIdOf(attachment), path, link.Device).ConfigureAwait(false);
        }
        var hostLinks = attachment.Links.Where(link => link.Cni is null).Select(link => _naming.HostLink(link.Slot)).ToList();
        await RemoveAsync(ns, hostLinks).ConfigureAwait(false);
        _store.Remove(attachment);
        lock (_gate)
        {
            _attachments.Remove(attachment.Id);
        }
    }

    private async Task RemoveAsync(string ns, IReadOnlyList<string> hostLinks)
    {
        var result = await _tools.RunAsync("ip", ["-force", "-batch", "-"], LinkScript.Removal(ns, hostLinks)).ConfigureAwait(false);
        if (result.Code == 0)
        {
            return;
        }
        // Errors for what was gone already are none.
        foreach (var link in hostLinks)
        {
            if (await _tools.LinkExistsAsync(link).ConfigureAwait(false))
            {
                throw new IOException($"the interface {link} could not be removed: {result.Trouble}");
            }
        }
        if (File.Exists(NetworkNaming.NamespacePath(ns)))
        {
            throw new IOException($"the network namespace {ns} could not be removed: {result.Trouble}");
        }
    }

    private static List<MappedPort> Mapped(NetworkRequest request)
    {
        var ports = new List<MappedPort>();
        foreach (var port in request.Ports.Where(port => port.HostPort > 0))
        {
            var network = port.Network ?? request.Networks[0].Name;
            if (request.Networks.All(wanted => wanted.Name != network))
            {
                throw new NetworkException($"port {port.HostPort} leads to the network '{network}', which the task does not have");
            }
            foreach (var protocol in port.Protocol.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                ports.Add(new MappedPort(port.HostPort, protocol, port.ContainerPort, network));
            }
        }
        return ports;
    }

    private static IReadOnlyList<PortTranslation> Translations(Attachment attachment, IReadOnlyList<MappedPort> ports)
    {
        var translations = new List<PortTranslation>();
        foreach (var port in ports)
        {
            var link = attachment.Links.First(link => link.Network == port.Network);
            if (link.Address is { } address && link.Cni?.Ports.Contains(port) != true)
            {
                translations.Add(new PortTranslation(port.Protocol, port.HostPort, address, port.ContainerPort));
            }
        }
        return translations;
    }

    private NetworkPlace PlaceOf(Attachment attachment) => new(
        NetworkNaming.NamespacePath(_naming.Namespace(attachment.Slot)),
        [.. attachment.Links.Select(link => link.Address).OfType<string>()],
        attachment.Hostname,
        _store.FileOf(attachment, "resolv.conf"),
        _store.FileOf(attachment, "hosts"),
        _store.FileOf(attachment, "hostname"));

    // Unique on the machine, so that plugins which keep addresses in one place for all never mistake two for one.
    private string ContainerIdOf(Attachment attachment) => $"{_naming.Prefix}-{attachment.Id}";

    private static bool Has(Attachment attachment, string member) => attachment.Members.Any(known => known.Name == member);

    private Attachment? Find(string id)
    {
        lock (_gate)
        {
            return _attachments.GetValueOrDefault(id);
        }
    }

    private void Keep(Attachment attachment)
    {
        lock (_gate)
        {
            _store.Save(attachment);
            _attachments[attachment.Id] = attachment;
        }
    }

    private async Task<IDisposable> EnterAsync(string id)
    {
        var stripe = _stripes[(uint)string.GetHashCode(id, StringComparison.Ordinal) % Stripes];
        await stripe.WaitAsync().ConfigureAwait(false);
        return new Release(stripe);
    }

    private sealed class Release(SemaphoreSlim stripe) : IDisposable
    {
        public void Dispose() => stripe.Release();
    }
}
