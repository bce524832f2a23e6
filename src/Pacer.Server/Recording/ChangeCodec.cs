using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>Changes of run specs and groups as items of a recording.</summary>
internal static class ChangeCodec
{
    public static ChangeRunSpecsItem Encode(Input.ChangeRunSpecs input)
    {
        var item = new ChangeRunSpecsItem { Request = input.Request.Value, Force = input.Force };
        item.Changes.AddRange(input.Changes.Select(Encode));
        item.Groups.AddRange(input.Groups.Select(change => change switch
        {
            GroupChange.Put put => new GroupChangeItem { Put = GroupMapping.ToRecord(put.Group) },
            _ => new GroupChangeItem { Remove = change.Id },
        }));
        if (input.GroupId is { } group)
        {
            item.GroupId = group;
        }
        if (input.RootBase is { } root)
        {
            item.RootBase = root.UnixMilliseconds;
        }
        return item;
    }

    public static Input.ChangeRunSpecs Decode(ChangeRunSpecsItem item) =>
        new(new RequestId(item.Request), ValueList.From(item.Changes.Select(Decode)), item.Force)
        {
            Groups = ValueList.From(item.Groups.Select(change => change.KindCase == GroupChangeItem.KindOneofCase.Put
                ? new GroupChange.Put(GroupMapping.ToModel(change.Put))
                : (GroupChange)new GroupChange.Remove(change.Remove))),
            GroupId = item.HasGroupId ? item.GroupId : null,
            RootBase = RecordValues.Moment(item.HasRootBase, item.RootBase),
        };

    private static RunSpecChangeItem Encode(RunSpecChange change)
    {
        switch (change)
        {
            case RunSpecChange.Put put:
                var item = new RunSpecChangeItem { Put = RunSpecMapping.ToRecord(put.Spec) };
                if (put.Base is { } version)
                {
                    item.Base = version.UnixMilliseconds;
                }
                return item;
            case RunSpecChange.Restart:
                return new RunSpecChangeItem { Restart = change.Id.Path };
            default:
                return new RunSpecChangeItem { Remove = change.Id.Path };
        }
    }

    private static RunSpecChange Decode(RunSpecChangeItem item) => item.KindCase switch
    {
        RunSpecChangeItem.KindOneofCase.Put => new RunSpecChange.Put(RunSpecMapping.ToModel(item.Put), RecordValues.Moment(item.HasBase, item.Base)),
        RunSpecChangeItem.KindOneofCase.Restart => new RunSpecChange.Restart(new RunSpecId(item.Restart)),
        RunSpecChangeItem.KindOneofCase.Remove => new RunSpecChange.Remove(new RunSpecId(item.Remove)),
        _ => throw new FormatException("It holds a change that this version does not know."),
    };
}
