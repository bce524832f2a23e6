using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>Between the core's inputs and the items of a recording. Every input has one.</summary>
internal static class InputCodec
{
    public static InputItem Encode(Input input) => input switch
    {
        Input.ChangeRunSpecs e => new InputItem { Change = ChangeCodec.Encode(e) },
        Input.EnforceRole e => new InputItem { EnforceRole = Encode(e) },
        Input.KillInstances e => new InputItem
        {
            Kill = new KillInstancesItem
            {
                Request = e.Request.Value, Instances = { e.Instances.Select(id => id.Value) }, Scale = e.Scale, Wipe = e.Wipe, Force = e.Force,
            },
        },
        Input.CancelDeployment e => new InputItem { Cancel = new CancelDeploymentItem { Request = e.Request.Value, Id = e.Id.Value, Force = e.Force } },
        Input.ResetDelay e => new InputItem { ResetDelay = new ResetDelayItem { Request = e.Request.Value, Id = e.Id.Path } },
        Input.PutSecret e => new InputItem { PutSecret = new PutSecretItem { Request = e.Request.Value, Name = e.Name, Sealed = e.Sealed } },
        Input.RemoveSecret e => new InputItem { RemoveSecret = new RemoveSecretItem { Request = e.Request.Value, Name = e.Name } },
        Input.ServerStarted => new InputItem { ServerStarted = new ServerStartedItem() },
        Input.AgentConnected e => new InputItem
        {
            Connected = new AgentConnectedItem { Node = AgentMapping.ToRecord(e.Node), Tasks = { e.Tasks.Select(ReportCodec.Encode) } },
        },
        Input.AgentDisconnected e => new InputItem { Disconnected = new AgentDisconnectedItem { Id = e.Id.Value } },
        Input.TaskReported e => new InputItem { Reported = new TaskReportedItem { AgentId = e.AgentId.Value, Report = ReportCodec.Encode(e.Report) } },
        Input.CordonNode e => new InputItem { Cordon = new CordonNodeItem { Request = e.Request.Value, Id = e.Id.Value, Cordoned = e.Cordoned } },
        Input.DrainNode e => new InputItem { Drain = Encode(e) },
        Input.UndrainNode e => new InputItem { Undrain = new UndrainNodeItem { Request = e.Request.Value, Id = e.Id.Value } },
        Input.RemoveNode e => new InputItem { RemoveNode = new RemoveNodeItem { Request = e.Request.Value, Id = e.Id.Value } },
        Input.Tick => new InputItem { Tick = new TickItem() },
        _ => throw new InvalidOperationException($"No item is defined for the input {input.GetType().Name}."),
    };

    /// <summary>Throws <see cref="FormatException"/> for an item that this version does not know.</summary>
    public static Input Decode(InputItem item) => item.KindCase switch
    {
        InputItem.KindOneofCase.Change => ChangeCodec.Decode(item.Change),
        InputItem.KindOneofCase.EnforceRole => new Input.EnforceRole(
            new RequestId(item.EnforceRole.Request), item.EnforceRole.GroupId, item.EnforceRole.HasEnforce ? item.EnforceRole.Enforce : null),
        InputItem.KindOneofCase.Kill => new Input.KillInstances(
            new RequestId(item.Kill.Request), ValueList.From(item.Kill.Instances.Select(id => new InstanceId(id))), item.Kill.Scale, item.Kill.Wipe, item.Kill.Force),
        InputItem.KindOneofCase.Cancel => new Input.CancelDeployment(new RequestId(item.Cancel.Request), new DeploymentId(item.Cancel.Id), item.Cancel.Force),
        InputItem.KindOneofCase.ResetDelay => new Input.ResetDelay(new RequestId(item.ResetDelay.Request), new RunSpecId(item.ResetDelay.Id)),
        InputItem.KindOneofCase.PutSecret => new Input.PutSecret(new RequestId(item.PutSecret.Request), item.PutSecret.Name, item.PutSecret.Sealed),
        InputItem.KindOneofCase.RemoveSecret => new Input.RemoveSecret(new RequestId(item.RemoveSecret.Request), item.RemoveSecret.Name),
        InputItem.KindOneofCase.ServerStarted => new Input.ServerStarted(),
        InputItem.KindOneofCase.Connected => new Input.AgentConnected(
            AgentMapping.ToModel(item.Connected.Node), ValueList.From(item.Connected.Tasks.Select(ReportCodec.Decode))),
        InputItem.KindOneofCase.Disconnected => new Input.AgentDisconnected(new AgentId(item.Disconnected.Id)),
        InputItem.KindOneofCase.Reported => new Input.TaskReported(new AgentId(item.Reported.AgentId), ReportCodec.Decode(item.Reported.Report)),
        InputItem.KindOneofCase.Cordon => new Input.CordonNode(new RequestId(item.Cordon.Request), new AgentId(item.Cordon.Id), item.Cordon.Cordoned),
        InputItem.KindOneofCase.Drain => new Input.DrainNode(
            new RequestId(item.Drain.Request), new AgentId(item.Drain.Id),
            item.Drain.HasDeadlineTicks ? TimeSpan.FromTicks(item.Drain.DeadlineTicks) : null, item.Drain.IncludeResident),
        InputItem.KindOneofCase.Undrain => new Input.UndrainNode(new RequestId(item.Undrain.Request), new AgentId(item.Undrain.Id)),
        InputItem.KindOneofCase.RemoveNode => new Input.RemoveNode(new RequestId(item.RemoveNode.Request), new AgentId(item.RemoveNode.Id)),
        InputItem.KindOneofCase.Tick => new Input.Tick(),
        _ => throw new FormatException("It holds an input that this version does not know."),
    };

    private static EnforceRoleItem Encode(Input.EnforceRole input)
    {
        var item = new EnforceRoleItem { Request = input.Request.Value, GroupId = input.GroupId };
        if (input.Enforce is { } enforce)
        {
            item.Enforce = enforce;
        }
        return item;
    }

    private static DrainNodeItem Encode(Input.DrainNode input)
    {
        var item = new DrainNodeItem { Request = input.Request.Value, Id = input.Id.Value, IncludeResident = input.IncludeResident };
        if (input.Deadline is { } deadline)
        {
            item.DeadlineTicks = deadline.Ticks;
        }
        return item;
    }
}
