using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;

namespace Pacer.Server.Recording;

/// <summary>The core's settings as they stand in a recording.</summary>
internal static class RecordedSettings
{
    public static Settings Encode(ClusterSettings settings)
    {
        var item = new Settings
        {
            ServicePortMin = settings.ServicePortMin,
            ServicePortMax = settings.ServicePortMax,
            MaxRunningDeployments = settings.MaxRunningDeployments,
            MaxVersions = settings.MaxVersions,
            AgentTimeoutTicks = settings.AgentTimeout.Ticks,
            LaunchConfirmTimeoutTicks = settings.LaunchConfirmTimeout.Ticks,
            LaunchTimeoutTicks = settings.LaunchTimeout.Ticks,
            KillRetryIntervalTicks = settings.KillRetryInterval.Ticks,
            HoldsUnhealthyKills = settings.HoldsUnhealthyKills,
            PlacementScore = (int)settings.PlacementScore,
            GpuScheduling = (int)settings.GpuScheduling,
            DefaultAcceptedRoles = (int)settings.DefaultAcceptedRoles,
        };
        if (settings.HomeRegion is { } region)
        {
            item.HomeRegion = region;
        }
        return item;
    }

    public static ClusterSettings Decode(Settings settings) => new()
    {
        ServicePortMin = settings.ServicePortMin,
        ServicePortMax = settings.ServicePortMax,
        MaxRunningDeployments = settings.MaxRunningDeployments,
        MaxVersions = settings.MaxVersions,
        AgentTimeout = TimeSpan.FromTicks(settings.AgentTimeoutTicks),
        LaunchConfirmTimeout = TimeSpan.FromTicks(settings.LaunchConfirmTimeoutTicks),
        LaunchTimeout = TimeSpan.FromTicks(settings.LaunchTimeoutTicks),
        KillRetryInterval = TimeSpan.FromTicks(settings.KillRetryIntervalTicks),
        HoldsUnhealthyKills = settings.HoldsUnhealthyKills,
        PlacementScore = RecordValues.ToEnum<PlacementScore>(settings.PlacementScore),
        GpuScheduling = RecordValues.ToEnum<GpuScheduling>(settings.GpuScheduling),
        DefaultAcceptedRoles = RecordValues.ToEnum<DefaultAcceptedRoles>(settings.DefaultAcceptedRoles),
        HomeRegion = settings.HasHomeRegion ? settings.HomeRegion : null,
    };
}
