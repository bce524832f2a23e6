using System.Collections.Immutable;
using CsCheck;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Storage;

/// <summary>Any value of each stored type, including ones that no cluster would make.</summary>
internal static class ModelGenerators
{
    private static readonly Gen<string> Text = Gen.String[0, 12];
    private static readonly Gen<string?> MaybeText = Gen.Null(Text);
    private static readonly Gen<Timestamp> Moment = Gen.Long.Select(ms => new Timestamp(ms));
    private static readonly Gen<Timestamp?> MaybeMoment = Gen.Nullable(Moment);
    private static readonly Gen<TimeSpan> Span = Gen.Long.Select(ticks => new TimeSpan(ticks));
    private static readonly Gen<RunSpecId> SpecId = Gen.String[Gen.Char['a', 'z'], 1, 8].Select(name => new RunSpecId("/" + name));
    private static readonly Gen<InstanceId> InstanceIds = Gen.Select(SpecId, Gen.Guid, (id, uuid) => InstanceId.Create(id, uuid.ToString()));
    private static readonly Gen<Resources> Amounts = Gen.Select(Gen.Long, Gen.Long, Gen.Long, Gen.Int, (c, m, d, g) => new Resources(c, m, d, g));

    private static Gen<ValueList<T>> Many<T>(Gen<T> item) => item.Array[0, 3].Select(items => ValueList.Create<T>(items));

    private static Gen<T> Enum<T>() where T : struct, Enum => Gen.Int[0, System.Enum.GetValues<T>().Length - 1].Select(i => System.Enum.GetValues<T>()[i]);

    private static readonly Gen<PortSpec> Port = Gen.Select(Gen.Int, Gen.Nullable(Gen.Int), Gen.Int, Text, MaybeText,
        (service, host, container, protocol, name) => new PortSpec(service, host, container, protocol, name));

    private static readonly Gen<Constraint> Constraints = Gen.Select(Text, Enum<ConstraintOperator>(), MaybeText,
        (field, op, value) => new Constraint(field, op, value));

    private static readonly Gen<(BackoffPolicy, UpgradeStrategy, UnreachableStrategy?)> Policies = Gen.Select(
        Gen.Select(Span, Gen.Double, Span, (initial, factor, max) => new BackoffPolicy(initial, factor, max)),
        Gen.Select(Gen.Double, Gen.Double, (min, over) => new UpgradeStrategy(min, over)),
        Gen.Null(Gen.Select(Span, Span, (inactive, expunge) => new UnreachableStrategy(inactive, expunge))));

    public static readonly Gen<RunSpec> Spec = Gen.Select(
        Gen.Select(SpecId, Enum<RunSpecKind>(), Text, Gen.Int, Amounts, Enum<RuntimeKind>()),
        Gen.Select(Many(Text), Many(Port), Gen.Bool, Many(Constraints), Many(Text), Policies),
        Gen.Select(Enum<KillSelection>(), Text, Many(Text), Gen.Int, Gen.Bool),
        Gen.Select(Moment, Moment, Moment, Many(Text), MaybeText, Many(Gen.Int),
            Gen.Select(Gen.Nullable(Enum<GpuScheduling>()), Gen.Bool)),
        (a, b, c, d) => new RunSpec(a.Item1, a.Item2, a.Item3, a.Item4, a.Item5, a.Item6, b.Item1, b.Item2, b.Item3, b.Item4, b.Item5,
            b.Item6.Item1, b.Item6.Item2, b.Item6.Item3, c.Item1, c.Item2, c.Item3, c.Item4, c.Item5, d.Item1, d.Item2, d.Item3)
        {
            ExclusiveVolumes = d.Item4,
            ExecutorResources = d.Item5,
            ContainerHealthChecks = d.Item6,
            GpuScheduling = d.Item7.Item1,
            IsResident = d.Item7.Item2,
            PersistentVolumes = ValueList.From(d.Item6.Select(number => $"v{number}")),
            Disks = ValueList.From(d.Item6.Select(number => new DiskRequest($"v{number}", (DiskType)(number & 1), number, number > 2 ? number * 2L : null,
                number > 1 ? $"p{number}" : null, number > 3 ? [new Constraint("path", ConstraintOperator.Like, "/x.*")] : []))),
            VolumeDrivers = ValueList.From(d.Item6.Select(number => $"e{number}")),
        });

    private static readonly Gen<HealthResult> Health = Gen.Select(
        Gen.Int, Gen.Bool, Gen.Int, MaybeMoment, MaybeMoment, MaybeMoment, MaybeText,
        (check, alive, failures, first, last, failure, cause) => new HealthResult(check, alive, failures, first, last, failure, cause)
        {
            KillCause = cause,
            FailsTask = alive,
        });

    private static readonly Gen<ReadinessResult> Readiness = Gen.Select(Text, Gen.Bool, Gen.Nullable(Gen.Select(Gen.Int, Text, Text)),
        (name, ready, last) => new ReadinessResult(name, ready, last is { } answer ? new ReadinessResponse(answer.Item1, answer.Item2, answer.Item3) : null));

    private static readonly Gen<CheckResult?> CheckResults = Gen.OneOf<CheckResult?>(
        Gen.Const((CheckResult?)null),
        Gen.Int.Select(status => (CheckResult?)new CheckResult.Http(status)),
        Gen.Bool.Select(succeeded => (CheckResult?)new CheckResult.Tcp(succeeded)),
        Gen.Int.Select(code => (CheckResult?)new CheckResult.Command(code)));

    private static readonly Gen<TaskInfo> Tasks = Gen.Select(
        Gen.Select(InstanceIds, Gen.Int[1, 9], (id, n) => TaskId.Create(id, TaskId.AppContainer, n)),
        Enum<Condition>(),
        Gen.Select(Moment, MaybeMoment, Moment),
        Gen.Select(MaybeText, MaybeText, Gen.Nullable(Gen.Int), Gen.Nullable(Gen.Int)),
        Gen.Select(Many(Text), Many(Health), Many(Readiness), CheckResults, Gen.Long),
        (id, condition, t, m, l) => new TaskInfo(id, condition, t.Item1, t.Item2, t.Item3, m.Item1, m.Item2, m.Item3, m.Item4, l.Item1, l.Item2)
        {
            Readiness = l.Item3,
            Check = l.Item4,
            Sequence = l.Item5,
        });

    public static readonly Gen<TaskReport> Reports = Gen.Select(Tasks, Moment,
        (task, at) => new TaskReport(task.Id, task.Sequence, task.Condition, task.Message, task.Reason, at, task.ExitCode, task.Signal, task.IpAddresses, task.Health)
        {
            Readiness = task.Readiness,
            Check = task.Check,
        });

    private static readonly Gen<Placement> Placements = Gen.Select(Text, Text, MaybeText, MaybeText, Many(Gen.Int), Amounts,
        (agent, host, region, zone, ports, resources) => new Placement(new AgentId(agent), host, region, zone, ports, resources) { Reserved = resources });

    public static readonly Gen<Instance> Instances = Gen.Select(
        Gen.Select(InstanceIds, Moment, Moment, Enum<Goal>(), Enum<Condition>()),
        Gen.Select(Moment, Moment, Moment, Gen.Int, Text),
        Gen.Select(Gen.Null(Placements), Many(Tasks), Gen.Nullable(Gen.Bool), Gen.Bool),
        Gen.Select(MaybeMoment, MaybeMoment, MaybeMoment, MaybeText, MaybeMoment),
        (a, b, c, d) => new Instance(a.Item1, a.Item2, a.Item3, a.Item4, a.Item5, b.Item1, b.Item2, b.Item3, b.Item4, b.Item5,
            c.Item1, c.Item2, c.Item3, c.Item4, d.Item1, d.Item2, d.Item3, d.Item4)
        {
            Deadline = d.Item5,
            AwaitsReadiness = c.Item4,
            UnhealthyKill = d.Item4,
            HeldKill = b.Item5,
            Volumes = ValueList.From(c.Item2.Select(task => new LocalVolume(task.Message ?? "", task.Id.Value))),
        });

    public static readonly Gen<AgentNode> Agents = Gen.Select(
        Gen.Select(Text, Text, Text, Amounts),
        Gen.Select(
            Many(Gen.Select(Gen.Int, Gen.Int, (first, last) => new PortRange(first, last))),
            Gen.Dictionary(Text, Text)[0, 3].Select(map => ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, map)),
            MaybeText, MaybeText, Many(Text)),
        Gen.Select(Text, Moment, Gen.Bool, MaybeMoment, Gen.Bool, MaybeMoment),
        Gen.Select(
            Many(Gen.Select(Text, Amounts, Gen.Int, (role, amounts, port) => new Reservation(role, amounts, [new PortRange(port, port)]))),
            Gen.Bool,
            Gen.Null(Gen.Select(Moment, MaybeMoment, Gen.Bool, Gen.Bool, (since, until, all, expired) => new NodeDrain(since, until, all) { Expired = expired }))),
        (a, b, c, d) => new AgentNode(new AgentId(a.Item1), a.Item2, a.Item3, a.Item4, b.Item1, b.Item2, b.Item3, b.Item4, b.Item5,
            c.Item1, c.Item2, c.Item3, c.Item4, c.Item5) { Deadline = c.Item6, Reservations = d.Item1, Cordoned = d.Item2, Drain = d.Item3, Networks = b.Item5, Unwanted = ValueList.From(b.Item5.Select(task => new TaskId(task))), Volumes = b.Item5, Wiping = b.Item5, VolumeDrivers = b.Item5,
            Disks = ValueList.From(b.Item5.Select((path, index) => new NodeDisk((DiskType)(index & 1), path, index, index > 1 ? path : null))) });

    private static readonly Gen<DeploymentAction> Actions = Gen.Select(Enum<ActionKind>(), SpecId, Enum<RunSpecKind>(), Many(InstanceIds),
        (kind, id, specKind, sentenced) => new DeploymentAction(kind, id, specKind, sentenced));

    private static readonly Gen<Group> Groups = Gen.Select(Text, Many(Text), Gen.Nullable(Gen.Bool), Moment,
        (id, dependencies, enforce, version) => new Group(id, dependencies, enforce, version));

    private static readonly Gen<RootChange> RootChanges = Gen.Select(
        Moment, Moment,
        Many(Gen.Select(SpecId, Gen.Null(Spec), (id, original) => new RunSpecOrigin(id, original))),
        Many(Gen.Select(Text, Gen.Null(Groups), (id, original) => new GroupOrigin(id, original))),
        (version, previous, specs, groups) => new RootChange(version, previous, specs, groups));

    private static readonly Gen<Deployment> Deployments = Gen.Select(
        Gen.Guid, Moment,
        Many(Many(Actions).Select(actions => new DeploymentStep(actions))),
        Many(Gen.Select(SpecId, Gen.Null(Spec), Gen.Null(Spec), (id, original, target) => new RunSpecTransition(id, original, target))),
        Gen.Int, Moment,
        Many(Gen.Select(Text, Gen.Null(Groups), Gen.Null(Groups), (id, original, target) => new GroupTransition(id, original, target))),
        (id, version, steps, transitions, current, started, groups) =>
            new Deployment(new DeploymentId(id.ToString()), version, steps, transitions, current, started) { Groups = groups });

    private static readonly Gen<LaunchDelay> Delays = Gen.Select(SpecId, Moment, Span, Moment, Moment, Span, Gen.Bool,
        (id, config, delay, until, reference, max, released) => new LaunchDelay(id, config, delay, until, reference, max, released));

    private static readonly Gen<TaskFailure> Failures = Gen.Select(
        Gen.Select(SpecId, InstanceIds, Text, Text), Gen.Select(MaybeText, MaybeText, Moment, Moment),
        (a, b) => new TaskFailure(a.Item1, TaskId.Create(a.Item2, TaskId.AppContainer, 1), a.Item2, a.Item3, a.Item4, b.Item1,
            b.Item2 is { } agent ? new AgentId(agent) : null, b.Item3, b.Item4));

    public static readonly Gen<Change> Put = Gen.OneOf<Change>(
        Spec.Select(spec => (Change)new Change.PutRunSpec(spec)),
        Spec.Select(spec => (Change)new Change.PutVersion(spec)),
        Instances.Select(instance => (Change)new Change.PutInstance(instance)),
        Agents.Select(node => (Change)new Change.PutAgent(node)),
        Deployments.Select(deployment => (Change)new Change.PutDeployment(deployment)),
        Delays.Select(delay => (Change)new Change.PutLaunchDelay(delay)),
        Failures.Select(failure => (Change)new Change.PutTaskFailure(failure)),
        Groups.Select(group => (Change)new Change.PutGroup(group)),
        RootChanges.Select(change => (Change)new Change.PutRootChange(change)),
        Gen.Select(Text, Text, Moment, (name, content, version) => (Change)new Change.PutSecret(new SealedSecret(name, content, version))),
        Moment.Select(version => (Change)new Change.PutRootVersion(version)));
}
