using CsCheck;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Storage;

namespace Pacer.Shell.Tests.Storage;

public sealed class EntryCodecTests
{
    [Fact]
    public void AnyPut_EncodedAndDecoded_IsTheSame() => ModelGenerators.Put.Sample(put =>
    {
        var entry = EntryCodec.Encode(put);
        var decoded = EntryCodec.Decode(entry.Kind, entry.Value!);
        // Sorted dictionaries compare by reference; everything else of a node by value.
        return put is Change.PutAgent { Node: var node } && decoded is Change.PutAgent { Node: var back }
            ? node == back with { Attributes = node.Attributes } && node.Attributes.SequenceEqual(back.Attributes)
            : put.Equals(decoded);
    }, iter: 2000);

    [Fact]
    public void Deletes_HaveTheKeyOfTheirPut_AndNoValue() => ModelGenerators.Spec.Sample(spec =>
    {
        var put = EntryCodec.Encode(new Change.PutVersion(spec));
        var delete = EntryCodec.Encode(new Change.DeleteVersion(spec.Id, spec.Version));
        return put.Key == delete.Key && put.Kind == delete.Kind && put.Value is not null && delete.Value is null;
    });

    [Fact]
    public void Decode_NumberOfNoEnumValue_IsRefused()
    {
        var record = InstanceMapping.ToRecord(ModelGenerators.Instances.Single());
        record.Condition = 999;
        Assert.Throws<FormatException>(() => InstanceMapping.ToModel(record));
    }

    // Enum values are stored as numbers: reordering a declaration would turn stored facts into others.
    [Fact]
    public void StoredNumbers_OfAllEnums_StayAsTheyAre()
    {
        Assert.Equal("App=0 Pod=1", Numbers<RunSpecKind>());
        Assert.Equal("Mesos=0 Docker=1 MesosImage=2", Numbers<RuntimeKind>());
        Assert.Equal("YoungestFirst=0 OldestFirst=1", Numbers<KillSelection>());
        Assert.Equal("Unique=0 Cluster=1 GroupBy=2 Like=3 Unlike=4 MaxPer=5 Is=6", Numbers<ConstraintOperator>());
        Assert.Equal("Running=0 Stopped=1 Decommissioned=2", Numbers<Goal>());
        Assert.Equal("Start=0 Scale=1 Restart=2 Stop=3", Numbers<ActionKind>());
        Assert.Equal(
            "Scheduled=0 Provisioned=1 Staging=2 Starting=3 Running=4 Killing=5 Unreachable=6 UnreachableInactive=7 Finished=8 Killed=9 "
            + "Failed=10 Error=11 Dropped=12 Gone=13 Unknown=14",
            Numbers<Condition>());
    }

    private static string Numbers<T>() where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Select(value => $"{value}={Convert.ToInt32(value)}"));
}
