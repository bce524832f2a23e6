using CsCheck;
using Pacer.Cli.BlueGreen;
using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class BlueGreenStepsTests
{
    private static readonly TimeSpan Now = TimeSpan.Zero;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(1000);

    private static Plan Swap(int target, int hold = 0, int surge = 0, int? increase = null) => new(target, hold, surge, increase, TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(60));

    private static VersionSeen Version(string id, int instances, int running, int serving, int givingWay = 0, int idle = 0)
    {
        var tasks = Enumerable.Range(0, running).Select(i => $"{id}.{i}").ToList();
        return new VersionSeen("/" + id, instances, tasks, serving, [.. tasks.Take(givingWay)], [.. tasks.Take(idle)]);
    }

    private static VersionSeen Old(int running, int givingWay = 0, int idle = 0) => Version("old", running, running, running - givingWay, givingWay, idle);

    private static VersionSeen New(int instances, int serving) => Version("new", instances, instances, serving);

    private static string Forward(Plan plan, VersionSeen? old, VersionSeen? @new, TimeSpan waited, string? trouble = null) => Describe(Steps.Forward(plan, new Seen(old, @new, waited, trouble)));

    private static string Back(Plan plan, VersionSeen? old, VersionSeen? @new, TimeSpan waited) => Describe(Steps.Back(plan, new Seen(old, @new, waited)));

    private static string Describe(Step step) => step switch
    {
        Step.Wait wait => "wait: " + wait.For,
        Step.ScaleNew scale => $"new {scale.Instances}",
        Step.ScaleOld scale => $"old {scale.Instances}",
        Step.Retire retire => "retire " + string.Join(' ', retire.Tasks),
        Step.TakeBack back => "take back: " + back.Because,
        Step.Stop stop => "stop: " + stop.Because,
        _ => step.GetType().Name,
    };

    [Fact]
    public void Swap_EachState_HasItsStep()
    {
        Assert.Equal("wait: 0 of 1 instances of /new serve", Forward(Swap(4), Old(4), New(1, 0), Now));
        Assert.Equal("wait: 0 of 1 instances of /old give way at every load balancer", Forward(Swap(4), Old(4), New(1, 1), Now));
        Assert.Equal("wait: 1 of 1 instances of /old that give way finish their requests", Forward(Swap(4), Old(4, 1), New(1, 1), Now));
        Assert.Equal("retire old.0", Forward(Swap(4), Old(4, 1, 1), New(1, 1), Now));
        Assert.Equal("new 2", Forward(Swap(4), Old(3), New(1, 1), Now));
        Assert.Equal("retire old.0", Forward(Swap(4), Old(3, 1, 1), New(2, 2), Now));
        Assert.Equal("new 4", Forward(Swap(4), Old(2), New(2, 2), Now)); // 3 would be as many as are left: straight to the end
        Assert.Equal("RemoveOld", Forward(Swap(4), Old(2, 2, 2), New(4, 4), Now));
        Assert.Equal("RemoveOld", Forward(Swap(4), Old(0), New(4, 4), Now));
        Assert.Equal("Done", Forward(Swap(4), null, New(4, 4), Now));
    }

    [Fact]
    public void Swap_Stuck_TakesBackOrGoesOn()
    {
        Assert.Equal("take back: 0 of 1 instances of /new serve after 300 s: exit 7", Forward(Swap(4), Old(4), New(1, 0), Long, "exit 7"));
        Assert.Equal("take back: 2 of 3 instances of /new serve after 300 s", Forward(Swap(4), Old(2), New(3, 2), Long));
        Assert.Equal("take back: 0 of 1 instances of /old give way at every load balancer after 300 s", Forward(Swap(4), Old(4), New(1, 1), Long));
        Assert.Equal("retire old.0", Forward(Swap(4), Old(4, 1), New(1, 1), Long)); // connections that never end
        Assert.Equal("stop: 0 of 2 instances of /new serve after 300 s", Forward(Swap(2), null, New(2, 0), Long));
        Assert.Equal("stop: The new version is gone: somebody else removed it.", Forward(Swap(2), Old(2), null, Now));
    }

    [Theory]
    [InlineData(1, 10, null, 2)]
    [InlineData(2, 10, null, 3)]
    [InlineData(3, 10, null, 5)]
    [InlineData(5, 10, null, 10)]
    [InlineData(1, 10, 4, 5)]
    [InlineData(9, 10, 4, 10)]
    public void Swap_Rounds_AreAsLargeAsAsked(int instances, int target, int? increase, int larger) =>
        Assert.Equal($"new {larger}", Forward(Swap(target, increase: increase), Old(target - instances), New(instances, instances), Now));

    [Fact]
    public void Canary_ByInstances_StopsWhereAsked()
    {
        Assert.Equal("retire old.0", Forward(Swap(4, hold: 2), Old(4, 1, 1), New(1, 1), Now));
        Assert.Equal("new 2", Forward(Swap(4, hold: 2), Old(3), New(1, 1), Now));
        Assert.Equal("retire old.0", Forward(Swap(4, hold: 2), Old(3, 1, 1), New(2, 2), Now));
        Assert.Equal("Held", Forward(Swap(4, hold: 2), Old(2), New(2, 2), Now));
        Assert.Equal("new 4", Forward(Swap(4), Old(2), New(2, 2), Now));
        Assert.Equal("new 3", Forward(Swap(4, hold: 3), Old(2), New(2, 2), Now));
    }

    [Fact]
    public void Canary_ByShare_StandsBesideAllOldOnesAndLeavesTheTargetAtTheEnd()
    {
        Assert.Equal("Held", Forward(Swap(1, hold: 1, surge: 1), Old(1), New(1, 1), Now));
        Assert.Equal("take back: 0 of 1 instances of /new serve after 300 s", Forward(Swap(1, hold: 1, surge: 1), Old(1), New(1, 0), Long));
        Assert.Equal("new 2", Forward(Swap(1, surge: 1), Old(1), New(1, 1), Now));
        Assert.Equal("RemoveOld", Forward(Swap(1, surge: 1), Old(1, 1, 1), New(2, 2), Now));
        Assert.Equal("new 1", Forward(Swap(1, surge: 1), null, New(2, 2), Now));
        Assert.Equal("Done", Forward(Swap(1, surge: 1), null, New(1, 1), Now));
    }

    [Fact]
    public void Back_TheOldVersionIsWholeBeforeTheNewGoes()
    {
        Assert.Equal("old 4", Back(Swap(4), Old(2), New(2, 2), Now));
        Assert.Equal("wait: 2 of 4 instances of /old serve", Back(Swap(4), Version("old", 4, 2, 1, 1), New(2, 2), Now));
        Assert.Equal("RemoveNew", Back(Swap(4), Version("old", 4, 4, 2, 2), New(2, 2), Now)); // those that give way come back
        Assert.Equal("RemoveNew", Back(Swap(4), Version("old", 4, 3, 3), New(2, 0), Now));
        Assert.Equal("Done", Back(Swap(4), Old(4), null, Now));
        Assert.Equal("stop: 3 of 4 instances of /old serve after 300 s", Back(Swap(4), Version("old", 4, 3, 3), New(2, 2), Long));
        Assert.Equal("stop: The old version is gone: there is nothing to go back to.", Back(Swap(4), null, New(4, 4), Now));
    }

    /// <summary>A balancer and a cluster that obey at once; interruptions are everywhere, since a step is decided from what is seen alone.</summary>
    [Fact]
    public void AnySwap_InterruptedAndTurnedAnywhere_NeverServesWithLessAndEnds()
    {
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 3], Gen.Int[0, 12], Gen.Int[0, 4], Gen.Int[0, 30]).Sample((target, surge, hold, increase, turn) =>
        {
            hold = surge > 0 ? surge : hold < target ? hold : 0;
            var plan = Swap(target, hold, surge, increase == 0 ? null : increase);
            int? old = target, @new = surge > 0 ? surge : 1;
            var back = false;
            for (var round = 0; round < 100; round++)
            {
                var givingWay = old is null ? 0 : Math.Min(old.Value, Math.Min(@new ?? 0, Math.Max(0, (@new ?? 0) + old.Value - plan.Together)));
                Assert.True((old ?? 0) - givingWay + (@new ?? 0) >= target, $"{old} {@new} {givingWay}");
                back |= round == turn && turn < 20;
                var seen = new Seen(old is null ? null : Old(old.Value, givingWay, givingWay), @new is null ? null : New(@new.Value, @new.Value), Now);
                switch (back ? Steps.Back(plan, seen) : Steps.Forward(plan, seen))
                {
                    case Step.ScaleNew scale: @new = scale.Instances; break;
                    case Step.ScaleOld scale: old = scale.Instances; break;
                    case Step.Retire retire: old -= retire.Tasks.Count; break;
                    case Step.RemoveOld: old = null; break;
                    case Step.RemoveNew: @new = null; break;
                    case Step.Held: plan = plan with { Hold = 0 }; break;
                    case Step.Done:
                        Assert.Equal(target, back ? old : @new);
                        return;
                    case Step.Stop when back && old is null: return; // too late
                    case var step: Assert.Fail($"{step}"); break;
                }
            }
            Assert.Fail("no end");
        }, iter: 5000);
    }
}
