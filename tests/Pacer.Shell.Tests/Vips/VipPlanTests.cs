using System.Collections.Immutable;
using System.Net;
using CsCheck;
using Pacer.Agent.Vips;
using Pacer.Contracts.Vips;

namespace Pacer.Shell.Tests.Vips;

/// <summary>Plans, the difference between two, and the scripts made of it.</summary>
public sealed class VipPlanTests
{
    internal static readonly Gen<VipPlan> Plans = Gen.Select(
            Gen.OneOf("11.0.0.1", "11.0.0.2", "10.9.9.9", "fd01:c::1"), Gen.OneOf("tcp", "udp"), Gen.Int[1, 3], Gen.Int[0, 4].HashSet[0, 4], Gen.Int[0, 4].HashSet[0, 2])
        .List[0, 8]
        .Select(vips => new VipPlan(
            vips.DistinctBy(vip => (vip.Item1, vip.Item2, vip.Item3)).ToImmutableDictionary(
                vip => new VipKey(IPAddress.Parse(vip.Item1), vip.Item2, vip.Item3),
                vip => new VipTargets(Places(vip.Item1, vip.Item4), Places(vip.Item1, vip.Item4.Union(vip.Item5)))),
            VipRange.Standard));

    [Fact]
    public void Change_AppliedToTheOldPlan_GivesTheNew() => Gen.Select(Plans, Plans).Sample((before, after) =>
    {
        var change = VipChange.Between(before, after);
        var applied = change.ApplyTo(before);
        return applied.Targets.Count == after.Targets.Count && applied.Targets.All(entry => after.Targets[entry.Key].Equals(entry.Value))
            && applied.Addresses.SetEquals(before.Addresses.Union(change.AddressesAdded).Except(change.AddressesRemoved))
            && applied.Addresses.SetEquals(after.Addresses);
    });

    [Fact]
    public void Change_BetweenEqualPlans_IsEmpty() => Plans.Sample(plan =>
        VipChange.Between(plan, plan).IsEmpty && VipScript.Change("t", plan, VipChange.Between(plan, plan)).Length == 0);

    [Fact]
    public void Script_OfOneChange_TouchesThatVirtualIpAlone()
    {
        var before = Plan(("11.0.0.1", "tcp", 80, ["10.0.0.1:1"]), ("11.0.0.2", "tcp", 80, ["10.0.0.1:2"]));
        var after = Plan(("11.0.0.1", "tcp", 80, ["10.0.0.1:1", "10.0.0.2:1"]), ("11.0.0.2", "tcp", 80, ["10.0.0.1:2"]));
        Assert.Equal(
            """
            add chain inet t tcp_11_0_0_1_80
            flush chain inet t tcp_11_0_0_1_80
            add rule inet t tcp_11_0_0_1_80 meta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1 . 1, 1 : 10.0.0.2 . 1 }

            """,
            VipScript.Change("t", before, VipChange.Between(before, after)));
    }

    [Fact]
    public void Routes_AreOneForAllNames_AndOneForEachAddress() => Assert.Equal(
        ["10.9.9.9/32", "11.0.0.0/8", "fd00::1/128", "fd01:c::/32"],
        Plan(("11.0.0.1", "tcp", 80, []), ("11.2.0.1", "tcp", 80, []), ("10.9.9.9", "tcp", 80, []), ("fd00::1", "tcp", 1, []), ("fd01:c::7", "tcp", 1, [])).Routes.Order(StringComparer.Ordinal));

    [Fact]
    public void StaleFlows_AreThoseOfBackendsThatAreGone_AndThoseThatFoundNobody()
    {
        var key = new VipKey(IPAddress.Parse("11.0.0.1"), "udp", 53);
        var (one, two) = (IPEndPoint.Parse("10.0.0.1:1"), IPEndPoint.Parse("10.0.0.2:1"));
        var both = Of([one, two], [one, two]);
        Assert.Empty(StaleFlow.After(both, Of([one], [one, two])));
        Assert.Equal([new StaleFlow(key, two)], StaleFlow.After(both, Of([one], [one])));
        Assert.Equal([new StaleFlow(key, null)], StaleFlow.After(Of([], [one]), Of([one], [one])));
        Assert.Equal([new StaleFlow(key, one), new StaleFlow(key, two)], StaleFlow.After(both, VipPlan.Empty));

        VipPlan Of(IPEndPoint[] serving, IPEndPoint[] alive) =>
            new(ImmutableDictionary<VipKey, VipTargets>.Empty.Add(key, new VipTargets([.. serving], [.. alive])), VipRange.Standard);
    }

    internal static VipPlan Plan(params (string Address, string Protocol, int Port, string[] Backends)[] vips) => new(
        vips.ToImmutableDictionary(
            vip => new VipKey(IPAddress.Parse(vip.Address), vip.Protocol, vip.Port),
            vip => new VipTargets([.. vip.Backends.Select(IPEndPoint.Parse)], [.. vip.Backends.Select(IPEndPoint.Parse)])),
        VipRange.Standard);

    private static ImmutableArray<IPEndPoint> Places(string vip, IEnumerable<int> numbers) =>
        [.. numbers.Order().Select(number => new IPEndPoint(IPAddress.Parse(vip.Contains(':') ? $"fd00::{number + 1}" : $"10.0.0.{number + 1}"), 8080))];
}
