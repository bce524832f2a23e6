using Microsoft.AspNetCore.Http;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Apps;

/// <summary>The query flags that all task deletions share.</summary>
internal sealed record KillFlags(bool Scale, bool Wipe, bool Force)
{
    /// <summary>Throws <see cref="ApiException"/> (400) for flags that exclude each other.</summary>
    public static KillFlags Read(HttpContext http)
    {
        var flags = new KillFlags(AppQuery.Flag(http, "scale"), AppQuery.Flag(http, "wipe"), AppQuery.Flag(http, "force"));
        return flags is { Scale: true, Wipe: true }
            ? throw new ApiException(ApiErrors.BadRequest("You cannot use scale and wipe at the same time."))
            : flags;
    }

    public Task<CommandResult> SubmitAsync(IClusterLoop loop, IEnumerable<Instance> instances, CancellationToken cancellationToken)
    {
        var ids = ValueList.From(instances.Select(instance => instance.Id));
        return loop.SubmitAsync(request => new Input.KillInstances(request, ids, Scale, Wipe, Force), cancellationToken);
    }
}
