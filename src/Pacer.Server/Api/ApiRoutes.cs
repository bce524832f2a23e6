using Microsoft.AspNetCore.Builder;
using Pacer.Server.Api.About;
using Pacer.Server.Api.Deployments;
using Pacer.Server.Api.EventStream;
using Pacer.Server.Api.Exec;
using Pacer.Server.Api.Files;
using Pacer.Server.Api.Nodes;

namespace Pacer.Server.Api;

/// <summary>All routes of the REST API.</summary>
internal static class ApiRoutes
{
    public static void Map(WebApplication app)
    {
        AboutEndpoints.Map(app);
        DeploymentEndpoints.Map(app);
        EventStreamEndpoint.Map(app);
        NodeEndpoints.Map(app);
        FileEndpoints.Map(app);
        ExecEndpoint.Map(app);
    }
}
