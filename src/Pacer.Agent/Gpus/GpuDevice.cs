namespace Pacer.Agent.Gpus;

/// <summary>A character device as containers get it.</summary>
/// <param name="Path">Such as <c>/dev/nvidia0</c>.</param>
/// <param name="Mode">Permissions.</param>
internal sealed record DeviceNode(string Path, uint Major, uint Minor, uint Mode);

/// <summary>A whole GPU.</summary>
/// <param name="Number">Of its device node; what the agent notes.</param>
/// <param name="Name">By which NVIDIA's own tools know it: its UUID, or its place in the order of the bus where the driver does not tell that.</param>
internal sealed record GpuDevice(int Number, string Name, DeviceNode Node);
