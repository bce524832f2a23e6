using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Services.Ports;

/// <summary>Gives service ports of 0 a number (marathon-model.md §4.3).</summary>
internal static class ServicePortAssignment
{
    /// <summary>
    /// First the in-range ports of the previous definition that the new one does not mention, then the lowest that nobody uses.
    /// Null when the range is exhausted.
    /// </summary>
    public static RunSpec? Assign(RunSpec spec, RunSpec? previous, ImmutableSortedDictionary<int, int> used, int min, int max)
    {
        // Nothing balances load over a pod's endpoints by number.
        if (spec.Kind == RunSpecKind.Pod || !spec.Ports.Any(p => p.ServicePort == 0))
        {
            return spec;
        }
        var mentioned = spec.Ports.Select(p => p.ServicePort).Where(p => p != 0).ToHashSet();
        var reusable = new Queue<int>((previous?.Ports ?? []).Select(p => p.ServicePort)
            .Where(p => p >= min && p <= max && !mentioned.Contains(p)).Distinct());
        var next = min;
        var ports = new PortSpec[spec.Ports.Count];
        for (var i = 0; i < ports.Length; i++)
        {
            var port = spec.Ports[i];
            if (port.ServicePort == 0)
            {
                if (!reusable.TryDequeue(out var number))
                {
                    while (next <= max && (used.ContainsKey(next) || mentioned.Contains(next)))
                    {
                        next++;
                    }
                    if (next > max)
                    {
                        return null;
                    }
                    number = next++;
                }
                mentioned.Add(number);
                port = port with { ServicePort = number };
            }
            ports[i] = port;
        }
        return spec with { Ports = ValueList.Create<PortSpec>(ports) };
    }
}
