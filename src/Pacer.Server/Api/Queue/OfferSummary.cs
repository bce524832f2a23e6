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
        var shares = FreeShare.Of(node, state.Usage.GetValueOrDefault(node.Id) ?? AgentUsage.Empty);
        return new OfferInfo
        {
            Id = node.Id.Value,
            Hostname = node.Hostname,
            AgentId = node.Id.Value,
            Resources = [.. shares.SelectMany(Values)],
            Attributes = [.. node.Attributes.Select(attribute => Attribute(attribute.Key, attribute.Value))],
        };
    }

    // A reservation lists only what it holds.
    private static IEnumerable<OfferValue> Values(FreeShare share)
    {
        foreach (var (name, amount) in ((string, double)[])
            [("cpus", share.Resources.CpuMillis / 1000.0), ("mem", share.Resources.MemoryBytes / MiB), ("disk", share.Resources.DiskBytes / MiB), ("gpus", share.Resources.Gpus)])
        {
            if (share.Role == "*" || amount > 0)
            {
                yield return new OfferValue { Name = name, Role = share.Role, Scalar = amount };
            }
        }
        if (share.Role == "*" || !share.Ports.IsEmpty)
        {
            yield return new OfferValue
            {
                Name = "ports",
                Role = share.Role,
                Ranges = [.. share.Ports.Select(range => new OfferRange { Begin = range.First, End = range.Last })],
            };
        }
    }

    private static OfferValue Attribute(string name, string value)
    {
        if (AttributeValue.TryScalar(value, out var number))
        {
            return new OfferValue { Name = name, Scalar = (double)number };
        }
        if (value is ['{', .., '}'])
        {
            return new OfferValue { Name = name, Set = [.. value[1..^1].Split(',', StringSplitOptions.RemoveEmptyEntries)] };
        }
        return new OfferValue { Name = name, Text = value };
    }
}
