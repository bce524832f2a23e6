using Pacer.Contracts.AgentLink;
using Pacer.Server.Agents;

namespace Pacer.Server.Hosting;

internal static class LaunchOrders
{
    public static readonly LaunchBuilder Builder = (launch, _) =>
    {
        var order = new LaunchInstance { InstanceId = launch.Instance.Id.Value };
        order.Tasks.AddRange(launch.Instance.Tasks.Select(task => new TaskSpec { TaskId = task.Id.Value, RunSpecId = launch.RunSpec.Id.Path }));
        return order;
    };
}
