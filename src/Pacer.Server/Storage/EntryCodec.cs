using System.Globalization;
using Google.Protobuf;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

/// <summary>One row to write: a null value deletes it.</summary>
internal readonly record struct Entry(EntryKind Kind, string Key, byte[]? Value);

/// <summary>Turns changes into rows and rows back into the changes that rebuild the state.</summary>
internal static class EntryCodec
{
    public static Entry Encode(Change change) => change switch
    {
        Change.PutRunSpec put => Put(EntryKind.RunSpec, put.Spec.Id.Path, RunSpecMapping.ToRecord(put.Spec)),
        Change.DeleteRunSpec delete => Delete(EntryKind.RunSpec, delete.Id.Path),
        Change.PutVersion put => Put(EntryKind.Version, VersionKey(put.Spec.Id, put.Spec.Version), RunSpecMapping.ToRecord(put.Spec)),
        Change.DeleteVersion delete => Delete(EntryKind.Version, VersionKey(delete.Id, delete.Version)),
        Change.PutInstance put => Put(EntryKind.Instance, put.Instance.Id.Value, InstanceMapping.ToRecord(put.Instance)),
        Change.DeleteInstance delete => Delete(EntryKind.Instance, delete.Id.Value),
        Change.PutAgent put => Put(EntryKind.Agent, put.Node.Id.Value, AgentMapping.ToRecord(put.Node)),
        Change.DeleteAgent delete => Delete(EntryKind.Agent, delete.Id.Value),
        Change.PutDeployment put => Put(EntryKind.Deployment, put.Deployment.Id.Value, DeploymentMapping.ToRecord(put.Deployment)),
        Change.DeleteDeployment delete => Delete(EntryKind.Deployment, delete.Id.Value),
        Change.PutLaunchDelay put => Put(EntryKind.LaunchDelay, put.Delay.Id.Path, DeploymentMapping.ToRecord(put.Delay)),
        Change.DeleteLaunchDelay delete => Delete(EntryKind.LaunchDelay, delete.Id.Path),
        Change.PutTaskFailure put => Put(EntryKind.TaskFailure, put.Failure.RunSpecId.Path, DeploymentMapping.ToRecord(put.Failure)),
        Change.DeleteTaskFailure delete => Delete(EntryKind.TaskFailure, delete.Id.Path),
        Change.PutGroup put => Put(EntryKind.Group, put.Group.Id, GroupMapping.ToRecord(put.Group)),
        Change.DeleteGroup delete => Delete(EntryKind.Group, delete.Id),
        Change.PutRootChange put => Put(EntryKind.RootChange, RootKey(put.RootChange.Version), GroupMapping.ToRecord(put.RootChange)),
        Change.DeleteRootChange delete => Delete(EntryKind.RootChange, RootKey(delete.Version)),
        Change.PutSecret put => Put(EntryKind.Secret, put.Secret.Name, SecretMapping.ToRecord(put.Secret)),
        Change.DeleteSecret delete => Delete(EntryKind.Secret, delete.Name),
        Change.PutRootVersion put => Put(EntryKind.RootVersion, "", new RootVersionRecord { Version = put.Version.UnixMilliseconds }),
        _ => throw new InvalidOperationException($"No row is defined for {change.GetType().Name}."),
    };

    /// <summary>
    /// The put that wrote the row. Throws <see cref="InvalidProtocolBufferException"/> or <see cref="FormatException"/>
    /// when it is not one.
    /// </summary>
    public static Change Decode(EntryKind kind, byte[] value) => kind switch
    {
        EntryKind.RunSpec => new Change.PutRunSpec(RunSpecMapping.ToModel(RunSpecRecord.Parser.ParseFrom(value))),
        EntryKind.Version => new Change.PutVersion(RunSpecMapping.ToModel(RunSpecRecord.Parser.ParseFrom(value))),
        EntryKind.Instance => new Change.PutInstance(InstanceMapping.ToModel(InstanceRecord.Parser.ParseFrom(value))),
        EntryKind.Agent => new Change.PutAgent(AgentMapping.ToModel(AgentRecord.Parser.ParseFrom(value))),
        EntryKind.Deployment => new Change.PutDeployment(DeploymentMapping.ToModel(DeploymentRecord.Parser.ParseFrom(value))),
        EntryKind.LaunchDelay => new Change.PutLaunchDelay(DeploymentMapping.ToModel(LaunchDelayRecord.Parser.ParseFrom(value))),
        EntryKind.TaskFailure => new Change.PutTaskFailure(DeploymentMapping.ToModel(TaskFailureRecord.Parser.ParseFrom(value))),
        EntryKind.Group => new Change.PutGroup(GroupMapping.ToModel(GroupRecord.Parser.ParseFrom(value))),
        EntryKind.RootChange => new Change.PutRootChange(GroupMapping.ToModel(RootChangeRecord.Parser.ParseFrom(value))),
        EntryKind.Secret => new Change.PutSecret(SecretMapping.ToModel(SecretRecord.Parser.ParseFrom(value))),
        EntryKind.RootVersion => new Change.PutRootVersion(new Timestamp(RootVersionRecord.Parser.ParseFrom(value).Version)),
        _ => throw new FormatException($"Rows of kind {(int)kind} are not known."),
    };

    private static Entry Put(EntryKind kind, string key, IMessage record) => new(kind, key, record.ToByteArray());

    private static Entry Delete(EntryKind kind, string key) => new(kind, key, null);

    private static string RootKey(Timestamp version) => version.UnixMilliseconds.ToString(CultureInfo.InvariantCulture);

    // '@' is illegal in ids, so the key is unambiguous.
    private static string VersionKey(RunSpecId id, Timestamp version) =>
        string.Create(CultureInfo.InvariantCulture, $"{id.Path}@{version.UnixMilliseconds}");
}
