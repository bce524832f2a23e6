using System.Globalization;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Server.Api.Queue;

/// <summary>
/// Why nodes refuse, in the words of Marathon's offers. Pacer looks at all nodes at once instead of waiting for offers, so what it
/// shows is what every node would say now.
/// </summary>
internal static class OfferSummary
{
    private const double MiB = 1024 * 1024;
    private static readonly RejectReason[] Funnel = Enum.GetValues<RejectReason>();

    public static ProcessedOffersSummary Of(PlacementExplanation explanation, Timestamp now)
    {
        var steps = Steps(explanation);
        return new ProcessedOffersSummary
        {
            ProcessedOffersCount = explanation.Nodes,
            UnusedOffersCount = explanation.Rejections.Count,
            LastUnusedOfferAt = explanation.Rejections.Count > 0 ? now.ToString() : null,
            LastUsedOfferAt = null,
            RejectSummaryLastOffers = steps,
            RejectSummaryLaunchAttempt = steps,
        };
    }

    public static List<UnusedOffer> Offers(ClusterState state, PlacementExplanation explanation, Timestamp now)
    {
        var offers = new List<UnusedOffer>();
        foreach (var (id, rejection) in explanation.Rejections)
        {
            if (state.Agents.TryGetValue(id, out var node))
            {
                offers.Add(new UnusedOffer
                {
                    Offer = Offer(state, node),
                    Reason = [rejection.Reason.ToString()],
                    Timestamp = now.ToString(),
                });
            }
        }
        return offers;
    }

    // Each refusal is charged to the first reason that applies; later reasons see only the nodes that are left.
    private static List<RejectStep> Steps(PlacementExplanation explanation)
    {
        var steps = new List<RejectStep>(Funnel.Length);
        var left = explanation.Nodes;
        foreach (var reason in Funnel)
        {
            var declined = explanation.Rejections.Count(rejection => rejection.Value.Reason == reason);
            steps.Add(new RejectStep { Reason = reason.ToString(), Declined = declined, Processed = left });
            left -= declined;
        }
        return steps;
    }

    private static OfferInfo Offer(ClusterState state, AgentNode node)
    {
        var usage = state.Usage.GetValueOrDefault(node.Id) ?? AgentUsage.Empty;
        var free = node.Resources - usage.Resources;
        return new OfferInfo
        {
            Id = node.Id.Value,
            Hostname = node.Hostname,
            AgentId = node.Id.Value,
            Resources =
            [
                Scalar("cpus", free.CpuMillis / 1000.0),
                Scalar("mem", free.MemoryBytes / MiB),
                Scalar("disk", free.DiskBytes / MiB),
                Scalar("gpus", free.Gpus),
                new OfferValue { Name = "ports", Role = "*", Ranges = FreePorts(node.Ports, usage.Ports) },
            ],
            Attributes = [.. node.Attributes.Select(attribute =>
                double.TryParse(attribute.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    ? new OfferValue { Name = attribute.Key, Scalar = number }
                    : new OfferValue { Name = attribute.Key, Text = attribute.Value })],
        };
    }

    private static OfferValue Scalar(string name, double value) => new() { Name = name, Role = "*", Scalar = value };

    private static List<OfferRange> FreePorts(ValueList<PortRange> ranges, IEnumerable<int> used)
    {
        var free = new List<OfferRange>();
        var taken = used.ToList();
        foreach (var range in ranges)
        {
            var begin = range.First;
            foreach (var port in taken)
            {
                if (!range.Contains(port))
                {
                    continue;
                }
                if (port > begin)
                {
                    free.Add(new OfferRange { Begin = begin, End = port - 1 });
                }
                begin = port + 1;
            }
            if (begin <= range.Last)
            {
                free.Add(new OfferRange { Begin = begin, End = range.Last });
            }
        }
        return free;
    }
}
