using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

internal static class GroupMapping
{
    public static GroupRecord ToRecord(Group group)
    {
        var record = new GroupRecord { Id = group.Id, Version = group.Version.UnixMilliseconds };
        record.Dependencies.AddRange(group.Dependencies);
        if (group.EnforceRole is { } enforce)
        {
            record.EnforceRole = enforce;
        }
        return record;
    }

    public static Group ToModel(GroupRecord record) => new(
        record.Id,
        RecordValues.Strings(record.Dependencies),
        record.HasEnforceRole ? record.EnforceRole : null,
        new Timestamp(record.Version));

    public static GroupTransitionRecord ToRecord(GroupTransition transition) => new()
    {
        Id = transition.Id,
        Original = transition.Original is { } original ? ToRecord(original) : null,
        Target = transition.Target is { } target ? ToRecord(target) : null,
    };

    public static GroupTransition ToModel(GroupTransitionRecord record) => new(
        record.Id,
        record.Original is { } original ? ToModel(original) : null,
        record.Target is { } target ? ToModel(target) : null);

    public static RootChangeRecord ToRecord(RootChange change)
    {
        var record = new RootChangeRecord { Version = change.Version.UnixMilliseconds, Previous = change.Previous.UnixMilliseconds };
        foreach (var (id, original) in change.RunSpecs)
        {
            record.RunSpecs.Add(new RunSpecOriginRecord
            {
                Id = id.Path,
                Original = original is null ? null : RunSpecMapping.ToRecord(original),
            });
        }
        foreach (var (id, original) in change.Groups)
        {
            record.Groups.Add(new GroupOriginRecord { Id = id, Original = original is null ? null : ToRecord(original) });
        }
        return record;
    }

    public static RootChange ToModel(RootChangeRecord record) => new(
        new Timestamp(record.Version),
        new Timestamp(record.Previous),
        RecordValues.Map(record.RunSpecs, static spec => new RunSpecOrigin(
            new RunSpecId(spec.Id), spec.Original is { } original ? RunSpecMapping.ToModel(original) : null)),
        RecordValues.Map(record.Groups, static group => new GroupOrigin(
            group.Id, group.Original is { } original ? ToModel(original) : null)));
}
