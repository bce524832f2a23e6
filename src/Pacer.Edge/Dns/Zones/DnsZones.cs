using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Contracts.Vips;

namespace Pacer.Edge.Dns.Zones;

/// <summary>Our zones, kept in step with the endpoints feed: each update changes only the names that it concerns.</summary>
internal sealed class DnsZones
{
    private readonly DnsOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, EndpointService> _services = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointTask> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _byService = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _byNode = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RecordOwner> _owners = new(StringComparer.Ordinal);
    private readonly NameCollisions _collisions;
    private readonly VipRows _vipRows = new();
    private TaskRecords _records;
    private EndpointCluster _cluster = new();

    public DnsZones(DnsOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        Zones = new ZoneSet(options);
        _collisions = new NameCollisions(options.Labels);
        _records = new TaskRecords(Table, options, _cluster);
        PutFixed();
        Table.Publish();
    }

    public RecordTable Table { get; } = new();

    public ZoneSet Zones { get; }

    /// <summary>Unix time of the last change, s.</summary>
    public uint Serial { get; private set; }

    /// <summary>Nothing is known yet: to deny a name would be a guess.</summary>
    public bool IsBlank => Serial == 0;

    public string Framework => _records.Framework;

    /// <summary>Names that services fight over; replaced whole.</summary>
    public IReadOnlyList<NameCollision> Collisions { get; private set; } = [];

    /// <summary>Raised with the new list when <see cref="Collisions"/> changes.</summary>
    public event Action<IReadOnlyList<NameCollision>>? Collided;

    /// <summary>The virtual IPs; replaced whole.</summary>
    public VipTable Vips { get; private set; } = VipTable.Empty;

    /// <summary>Raised when the warnings of <see cref="Vips"/> change.</summary>
    public event Action<IReadOnlyList<VipWarning>>? VipsWarned;

    /// <summary>Takes over an update of the feed; one that is not partial.</summary>
    public void Apply(EndpointUpdate update)
    {
        lock (_gate)
        {
            var again = new HashSet<string>(StringComparer.Ordinal);
            if (update.Reset)
            {
                RemoveMissing(update, again);
            }
            ApplyCluster(update, again);
            ApplyServices(update, again);
            ApplyNodes(update, again);
            foreach (var id in update.RemovedTasks ?? [])
            {
                RemoveTask(id);
                again.Remove(id);
            }
            foreach (var task in update.Tasks ?? [])
            {
                PutTask(task);
                again.Remove(task.Id);
            }
            foreach (var id in again)
            {
                if (_tasks.TryGetValue(id, out var task))
                {
                    PutRecords(task);
                }
            }
            ApplyVips(update);
            if (Table.Publish() || IsBlank)
            {
                Serial = (uint)_time.GetUtcNow().ToUnixTimeSeconds();
            }
            if (_collisions.Changed)
            {
                Collisions = _collisions.List();
                Collided?.Invoke(Collisions);
            }
        }
    }

    /// <summary>
    /// The records of each task in Mesos-DNS' domain, as name, value and type; one that an earlier task has too is listed there alone.
    /// </summary>
    public IReadOnlyList<(string Task, string ServiceId, IReadOnlyList<(string Name, string Host, string Type)> Records)> RecordsByTask()
    {
        lock (_gate)
        {
            // Name by name, for one name may have a record of every task.
            var byOwner = new Dictionary<RecordOwner, List<(string, string, string)>>();
            foreach (var name in Table.Names.Where(name => Zones.Mesos.Contains(name.Slot.Name)))
            {
                var seen = new HashSet<(RecordKind, object, ushort)>();
                foreach (var record in name.Published().OrderBy(record => record.Owner.Id, StringComparer.Ordinal))
                {
                    if (record.Owner.ServiceId is not null && seen.Add((record.Kind, record.Data, record.Port)) && Describe(name.Slot.Name, record) is { } text)
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(byOwner, record.Owner, out _) ??= [];
                        byOwner[record.Owner].Add(text);
                    }
                }
            }
            return [.. _tasks.Keys.Order(StringComparer.Ordinal)
                .Select(id => _owners.GetValueOrDefault(id))
                .Where(owner => owner is not null && owner.Standing != Standing.LeftOut)
                .Select(owner => (owner!.Id, owner.ServiceId!, (IReadOnlyList<(string, string, string)>)byOwner.GetValueOrDefault(owner, [])))];
        }
    }

    /// <summary>Everything known about a name, for explanations; null when nothing is.</summary>
    public IReadOnlyList<(Record Record, bool IsPublished)>? Explain(string tableName)
    {
        lock (_gate)
        {
            if (Table.Records(tableName) is not { } name)
            {
                return null;
            }
            var published = name.Published().ToHashSet();
            return [.. name.Records.Select(record => (record, published.Contains(record)))];
        }
    }

    /// <summary><c>target.:port</c>.</summary>
    public static string TargetText(NameSlot target, int port) => string.Create(CultureInfo.InvariantCulture, $"{target.Name}.:{port}");

    private static (string Name, string Host, string Type)? Describe(string name, Record record) => record switch
    {
        { Kind: RecordKind.Address, Data: IPAddress address } =>
            (name, address.ToString(), address.AddressFamily == AddressFamily.InterNetwork ? "A" : "AAAA"),
        { Kind: RecordKind.Srv, Data: NameSlot target } => (name, TargetText(target, record.Port), "SRV"),
        _ => null,
    };

    private void RemoveMissing(EndpointUpdate update, HashSet<string> again)
    {
        var tasks = (update.Tasks ?? []).Select(task => task.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var id in _tasks.Keys.Where(id => !tasks.Contains(id)).ToList())
        {
            RemoveTask(id);
        }
        var nodes = (update.Nodes ?? []).Select(node => node.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var id in _nodes.Keys.Where(id => !nodes.Contains(id)).ToList())
        {
            RemoveNode(id, again);
        }
        var services = (update.Services ?? []).Select(service => service.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var key in _services.Keys.Where(key => !services.Contains(key)).ToList())
        {
            RemoveService(key, again);
        }
    }

    private void ApplyCluster(EndpointUpdate update, HashSet<string> again)
    {
        if (update.Cluster is not { } cluster)
        {
            return;
        }
        var renamed = cluster.Framework != _cluster.Framework;
        _cluster = cluster;
        _records = new TaskRecords(Table, _options, cluster);
        Zones.ClusterName = DnsName.Label(cluster.Id);
        Replace("cluster", ClusterRecords.Put(Table, _options, cluster));
        if (renamed)
        {
            again.UnionWith(_tasks.Keys);
        }
    }

    private void ApplyVips(EndpointUpdate update)
    {
        if (_vipRows.Apply(update) is null)
        {
            return;
        }
        var (before, after) = (Vips, _vipRows.ToTable());
        Vips = after;
        var names = VipRecords.ByName(after);
        foreach (var (name, _) in VipRecords.ByName(before))
        {
            if (!names.ContainsKey(name))
            {
                Replace("vip " + name, null);
            }
        }
        foreach (var (name, vips) in names)
        {
            if (!VipRecords.Same(_owners.GetValueOrDefault("vip " + name), vips))
            {
                Replace("vip " + name, VipRecords.Put(Table, name, vips));
            }
        }
        if (!before.Warnings.SequenceEqual(after.Warnings))
        {
            VipsWarned?.Invoke(after.Warnings);
        }
    }

    private void ApplyServices(EndpointUpdate update, HashSet<string> again)
    {
        foreach (var key in update.RemovedServices ?? [])
        {
            RemoveService(key, again);
        }
        foreach (var service in update.Services ?? [])
        {
            if (!_services.ContainsKey(service.Key))
            {
                _collisions.Add(service.Id);
            }
            _services[service.Key] = service;
            again.UnionWith(_byService.GetValueOrDefault(service.Key) ?? []);
        }
    }

    private void ApplyNodes(EndpointUpdate update, HashSet<string> again)
    {
        foreach (var id in update.RemovedNodes ?? [])
        {
            RemoveNode(id, again);
        }
        foreach (var node in update.Nodes ?? [])
        {
            var moved = !_nodes.TryGetValue(node.Id, out var old) || old.Address != node.Address;
            _nodes[node.Id] = node;
            Replace("node " + node.Id, ClusterRecords.Put(Table, _options, node));
            if (moved)
            {
                again.UnionWith(_byNode.GetValueOrDefault(node.Id) ?? []);
            }
        }
    }

    private void PutTask(EndpointTask task)
    {
        // Each update brings texts of its own; of those that many tasks share one is enough.
        if (_services.TryGetValue(ServiceKey(task), out var service))
        {
            (task.ServiceId, task.ConfigVersion) = (service.Id, service.ConfigVersion);
        }
        if (_nodes.TryGetValue(task.NodeId, out var node))
        {
            task.NodeId = node.Id;
        }
        task.State = string.IsInterned(task.State) ?? task.State;
        if (_tasks.TryGetValue(task.Id, out var old))
        {
            Unlist(old);
        }
        _tasks[task.Id] = task;
        List(_byService, ServiceKey(task), task.Id);
        List(_byNode, task.NodeId, task.Id);
        PutRecords(task);
    }

    private void PutRecords(EndpointTask task) =>
        Replace(task.Id, _records.Put(task, _services.GetValueOrDefault(ServiceKey(task)), _nodes.GetValueOrDefault(task.NodeId)));

    private void RemoveTask(string id)
    {
        if (_tasks.Remove(id, out var task))
        {
            Unlist(task);
            Replace(id, null);
        }
    }

    private void RemoveNode(string id, HashSet<string> again)
    {
        if (_nodes.Remove(id))
        {
            Replace("node " + id, null);
            again.UnionWith(_byNode.GetValueOrDefault(id) ?? []);
        }
    }

    private void RemoveService(string key, HashSet<string> again)
    {
        if (_services.Remove(key, out var service))
        {
            _collisions.Remove(service.Id);
            again.UnionWith(_byService.GetValueOrDefault(key) ?? []);
        }
    }

    private void PutFixed() => Replace("fixed", ClusterRecords.PutFixed(Table, _options));

    private void Replace(string key, RecordOwner? owner)
    {
        if (_owners.Remove(key, out var old))
        {
            Table.Remove(old);
        }
        if (owner is not null)
        {
            _owners[key] = owner;
        }
    }

    private void Unlist(EndpointTask task)
    {
        Unlist(_byService, ServiceKey(task), task.Id);
        Unlist(_byNode, task.NodeId, task.Id);
    }

    private static string ServiceKey(EndpointTask task) => EndpointService.KeyOf(task.ServiceId, task.ConfigVersion);

    private static void List(Dictionary<string, HashSet<string>> index, string key, string id)
    {
        if (!index.TryGetValue(key, out var ids))
        {
            index[key] = ids = new HashSet<string>(StringComparer.Ordinal);
        }
        ids.Add(id);
    }

    private static void Unlist(Dictionary<string, HashSet<string>> index, string key, string id)
    {
        if (index.TryGetValue(key, out var ids) && ids.Remove(id) && ids.Count == 0)
        {
            index.Remove(key);
        }
    }
}
