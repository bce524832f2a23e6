using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Vips;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Responses;
using Pacer.Server.Endpoints;

namespace Pacer.Server.Api.Vips;

/// <summary><c>GET /pacer/vips</c>: virtual IPs, what is behind them, and what is wrong with their labels.</summary>
internal static class VipEndpoints
{
    public static void Map(WebApplication app)
    {
        var feed = app.Services.GetRequiredService<EndpointFeed>();
        app.MapGet("/pacer/vips", ApiRoute.Guard(http =>
        {
            var rows = new VipRows();
            rows.Apply(feed.Since(null)!);
            return ApiResponse.WriteAsync(http, 200, Render(rows.ToTable(), rows.Range), ClusterJson.Plain.VipList);
        }));
    }

    private static VipList Render(VipTable table, string range) => new()
    {
        Range = range,
        Vips = [.. table.Vips.Select(vip => new VipInfo
        {
            Vip = vip.ToString(),
            Protocol = vip.Protocol,
            Port = vip.Port,
            DnsName = vip.DnsName,
            Addresses = [.. vip.Addresses.Select(address => address.ToString())],
            Services = [.. vip.Services],
            Backends = [.. vip.Backends.Select(backend => new VipBackendInfo
            {
                TaskId = backend.TaskId,
                ServiceId = backend.ServiceId,
                NodeId = backend.NodeId,
                Address = backend.Address.ToString(),
                Port = backend.Port,
                Serving = backend.Serves,
                Reason = backend.Flaw,
            })],
        })],
        Warnings = [.. table.Warnings.Select(warning => new VipWarningInfo { ServiceId = warning.ServiceId, Text = warning.Text })],
    };
}
