using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Core.Cluster;
using Pacer.Server.Api.About;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Deployments;
using Pacer.Server.Api.EventStream;
using Pacer.Server.Api.Exec;
using Pacer.Server.Api.Files;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Nodes;
using Pacer.Server.Api.OpenApi;
using Pacer.Server.Api.Pods;
using Pacer.Server.Api.Planning;
using Pacer.Server.Api.Queue;
using Pacer.Server.Api.Secrets;
using Pacer.Server.Api.Tasks;
using Pacer.Server.Api.Volumes;
using Pacer.Server.Api.Vips;
using Pacer.Server.Endpoints;
using Pacer.Server.Events;
using Pacer.Server.Loop;

namespace Pacer.Server.Api;

/// <summary>All routes of the REST API.</summary>
internal static class ApiRoutes
{
    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var events = services.GetRequiredService<EventHub>();
        AppsEndpoints.Map(
            app,
            services.GetRequiredService<IClusterLoop>(),
            services.GetRequiredService<AppRules>(),
            services.GetRequiredService<TimeProvider>(),
            posted => events.PublishApiPost(posted.ClientIp, posted.Uri, posted.App));
        GroupsEndpoints.Map(
            app,
            services.GetRequiredService<IClusterLoop>(),
            services.GetRequiredService<AppRules>(),
            services.GetRequiredService<TimeProvider>());
        PodsEndpoints.Map(
            app,
            services.GetRequiredService<IClusterLoop>(),
            services.GetRequiredService<AppRules>(),
            services.GetRequiredService<TimeProvider>(),
            changed => events.PublishPodChange(changed.EventType, changed.ClientIp, changed.Uri));
        AboutEndpoints.Map(app);
        MetricsEndpoints.Map(app);
        LoggingEndpoint.Map(app);
        DeploymentEndpoints.Map(app);
        QueueEndpoints.Map(app);
        TaskEndpoints.Map(app);
        FileEndpoints.Map(app);
        StatisticsEndpoint.Map(app);
        ExecEndpoint.Map(app);
        NodeEndpoints.Map(app);
        PlacementEndpoints.Map(
            app,
            services.GetRequiredService<IClusterLoop>(),
            services.GetRequiredService<AppRules>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ClusterSettings>());
        SecretEndpoints.Map(app);
        VolumeEndpoints.Map(app);
        EventStreamEndpoint.Map(app);
        OpenApiEndpoints.Map(app);
        EndpointFeedRoute.Map(app);
        VipEndpoints.Map(app);
    }
}
