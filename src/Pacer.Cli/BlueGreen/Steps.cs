namespace Pacer.Cli.BlueGreen;

/// <summary>One of the two versions, as the API and every balancer see it.</summary>
/// <param name="Instances">As many are wanted.</param>
/// <param name="Running">Ids of its running tasks.</param>
/// <param name="Serving">How many of them get requests from every balancer.</param>
/// <param name="GivingWay">Those that no balancer gives new requests because the other version takes their place.</param>
/// <param name="Idle">Those of them that have no request or connection left.</param>
internal sealed record VersionSeen(string Id, int Instances, IReadOnlyList<string> Running, int Serving, IReadOnlyList<string> GivingWay, IReadOnlyList<string> Idle);

/// <param name="Old">Null when it is gone, or when there never was one.</param>
/// <param name="New">Null when it was taken back.</param>
/// <param name="Waited">Since the last step, or since one more of the new instances served.</param>
/// <param name="Trouble">Why the new version does not get on, where something says so.</param>
internal sealed record Seen(VersionSeen? Old, VersionSeen? New, TimeSpan Waited, string? Trouble = null);

/// <summary>What the labels of the newer version and the command line ask for.</summary>
/// <param name="Target">Instances of the new version at the end; of the old one after a rollback. At least 1.</param>
/// <param name="Hold">Stop with as many new instances: a canary; 0: go on to the end.</param>
/// <param name="Surge">Instances that both versions together have beyond the target: those of a canary with a share of its own.</param>
/// <param name="Increase">Instances to add in each round; null: half as many again.</param>
/// <param name="Timeout">For new instances to serve, and for balancers to follow.</param>
/// <param name="MaxWait">For requests of instances that give way.</param>
internal sealed record Plan(int Target, int Hold, int Surge, int? Increase, TimeSpan Timeout, TimeSpan MaxWait)
{
    /// <summary>As many instances serve at any time, both versions together.</summary>
    public int Together => Target + Surge;
}

/// <summary>What to do next.</summary>
internal abstract record Step
{
    public sealed record Wait(string For) : Step;

    public sealed record ScaleNew(int Instances) : Step;

    public sealed record ScaleOld(int Instances) : Step;

    /// <summary>Kill these of the old version, which shrinks by them.</summary>
    public sealed record Retire(IReadOnlyList<string> Tasks) : Step;

    public sealed record RemoveOld(IReadOnlyList<string> Tasks) : Step;

    public sealed record RemoveNew : Step;

    /// <summary>The new version does not do: take it back.</summary>
    public sealed record TakeBack(string Because) : Step;

    /// <summary>Nothing more can be done without the user; what serves goes on serving.</summary>
    public sealed record Stop(string Because) : Step;

    /// <summary>Both versions serve as the canary asks.</summary>
    public sealed record Held : Step;

    public sealed record Done : Step;
}

/// <summary>
/// Decides the next step of a blue/green deployment from nothing but what is seen now, so that whoever starts again after an
/// interruption goes on where it was. At no step do fewer instances serve than the target.
/// </summary>
internal static class Steps
{
    /// <summary>Towards the new version.</summary>
    public static Step Forward(Plan plan, Seen seen)
    {
        if (seen.New is not { } @new)
        {
            return new Step.Stop("The new version is gone: somebody else removed it.");
        }
        if (seen.Old is not { } old)
        {
            return Alone(plan, @new, seen);
        }
        if (@new.Serving < @new.Instances)
        {
            var reason = $"{@new.Serving} of {@new.Instances} instances of {@new.Id} serve";
            return seen.Waited >= plan.Timeout ? new Step.TakeBack(Because(reason, plan.Timeout, seen.Trouble)) : new Step.Wait(reason);
        }
        if (plan.Hold > 0 && @new.Instances >= plan.Hold && old.Instances + @new.Instances <= plan.Together)
        {
            return new Step.Held();
        }

        // The balancer's rule: an old one gives way for each new one that serves beyond those wanted together.
        var surplus = Math.Min(old.Running.Count, Math.Min(@new.Serving, Math.Max(0, @new.Serving + old.Running.Count - plan.Together)));
        if (surplus == 0)
        {
            return @new.Instances < plan.Together ? new Step.ScaleNew(Larger(plan, @new.Instances, old.Instances)) : new Step.RemoveOld(old.Running);
        }
        if (old.GivingWay.Count < surplus)
        {
            var reason = $"{old.GivingWay.Count} of {surplus} instances of {old.Id} give way at every load balancer";
            return seen.Waited >= plan.Timeout ? new Step.TakeBack(Because(reason, plan.Timeout, seen.Trouble)) : new Step.Wait(reason);
        }
        if (old.Idle.Count < old.GivingWay.Count && seen.Waited < plan.MaxWait)
        {
            return new Step.Wait($"{old.GivingWay.Count - old.Idle.Count} of {old.GivingWay.Count} instances of {old.Id} that give way finish their requests");
        }
        return @new.Serving >= plan.Together && old.GivingWay.Count >= old.Running.Count ? new Step.RemoveOld(old.Running) : new Step.Retire(old.GivingWay);
    }

    /// <summary>Back to the old version.</summary>
    public static Step Back(Plan plan, Seen seen)
    {
        if (seen.Old is not { } old)
        {
            return new Step.Stop("The old version is gone: there is nothing to go back to.");
        }
        if (old.Instances < plan.Target)
        {
            return new Step.ScaleOld(plan.Target);
        }
        var healthy = old.Serving + old.GivingWay.Count;
        // A new version that serves nothing is missed by nobody.
        if (healthy >= old.Instances || seen.New is { Serving: 0 })
        {
            return seen.New is null ? new Step.Done() : new Step.RemoveNew();
        }
        var reason = $"{healthy} of {old.Instances} instances of {old.Id} serve";
        return seen.Waited >= plan.Timeout ? new Step.Stop(Because(reason, plan.Timeout, seen.Trouble)) : new Step.Wait(reason);
    }

    private static Step Alone(Plan plan, VersionSeen @new, Seen seen)
    {
        if (@new.Instances != plan.Target)
        {
            return new Step.ScaleNew(plan.Target);
        }
        if (@new.Serving >= plan.Target)
        {
            return new Step.Done();
        }
        var reason = $"{@new.Serving} of {@new.Instances} instances of {@new.Id} serve";
        return seen.Waited >= plan.Timeout ? new Step.Stop(Because(reason, plan.Timeout, seen.Trouble)) : new Step.Wait(reason);
    }

    /// <summary>Half as many again, until that is as many as the old version has left; then all.</summary>
    private static int Larger(Plan plan, int instances, int old)
    {
        var larger = instances + (plan.Increase ?? Math.Max(1, (instances + 1) / 2));
        if (plan.Hold > instances)
        {
            return Math.Min(larger, plan.Hold);
        }
        return larger >= plan.Together || (plan.Increase is null && larger >= old) ? plan.Together : larger;
    }

    private static string Because(string reason, TimeSpan waited, string? trouble) =>
        FormattableString.Invariant($"{reason} after {waited.TotalSeconds:0.###} s{(trouble is null ? "" : ": " + trouble)}");
}
