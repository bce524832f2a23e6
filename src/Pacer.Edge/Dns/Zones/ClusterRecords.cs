using System.Net;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns.Names;

namespace Pacer.Edge.Dns.Zones;

/// <summary>Names of what is not a task: servers, nodes, the scheduler, the DNS server itself.</summary>
internal static class ClusterRecords
{
    // DC/OS clusters have at most five masters, and clients ask for all five names.
    private const int ZooKeeperNames = 5;

    public static RecordOwner Put(RecordTable table, DnsOptions options, EndpointCluster cluster)
    {
        var owner = new RecordOwner("cluster", null, Standing.Serving, null);
        var leader = cluster.Servers.Find(server => server.Leading);
        var servers = cluster.Servers.ConvertAll(server => server.Address);
        foreach (var (label, address) in MasterNames.Of(servers, leader?.Address))
        {
            Add($"{label}.{options.Domain}", address);
            if (label is "leader" or "master")
            {
                Add($"{label}.{ZoneSet.Tasks}", address);
            }
        }
        for (var i = 0; i < ZooKeeperNames && servers.Count > 0; i++)
        {
            Add($"zk-{i + 1}.zk", servers[i % servers.Count]);
        }
        var framework = DnsName.Fragment(cluster.Framework, options.Labels);
        if (leader is not null && framework.Length > 0)
        {
            var scheduler = $"{framework}.{options.Domain}";
            Add(scheduler, leader.Address);
            table.Add($"_framework._tcp.{scheduler}", owner, RecordKind.Srv, table.SlotOf(scheduler), leader.Port);
            foreach (var protocol in new[] { "tcp", "udp" })
            {
                table.Add($"_leader._{protocol}.{options.Domain}", owner, RecordKind.Srv, table.SlotOf($"leader.{options.Domain}"), leader.Port);
            }
        }
        return owner;

        void Add(string name, string address)
        {
            if (IPAddress.TryParse(address, out var parsed))
            {
                table.Add(name, owner, RecordKind.Address, parsed);
            }
        }
    }

    public static RecordOwner Put(RecordTable table, DnsOptions options, EndpointNode node)
    {
        var owner = new RecordOwner("node " + node.Id, null, node.State == "lost" ? Standing.LeftOut : Standing.Serving, node.State == "lost" ? "it is lost" : null);
        if (IPAddress.TryParse(node.Address, out var address))
        {
            table.Add("slave." + options.Domain, owner, RecordKind.Address, address);
        }
        return owner;
    }

    /// <summary>Names that do not depend on the cluster.</summary>
    public static RecordOwner PutFixed(RecordTable table, DnsOptions options)
    {
        var owner = new RecordOwner("dns", null, Standing.Serving, null);
        foreach (var address in options.Listen.Select(listen => listen.Address).Distinct())
        {
            var reached = address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address;
            table.Add("ns1." + options.Domain, owner, RecordKind.Address, reached);
            table.Add("ns.spartan", owner, RecordKind.Address, reached);
            table.Add("ready.spartan", owner, RecordKind.Address, reached);
        }
        table.Add("localhost", owner, RecordKind.Address, IPAddress.Loopback);
        table.Add("localhost", owner, RecordKind.Address, IPAddress.IPv6Loopback);
        return owner;
    }
}
