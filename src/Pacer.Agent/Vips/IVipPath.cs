namespace Pacer.Agent.Vips;

/// <summary>How connections to virtual IPs get to their backends on a node. Calls come one at a time.</summary>
internal interface IVipPath : IAsyncDisposable
{
    /// <summary>Makes the node as the plan says. Connections that exist go on.</summary>
    /// <exception cref="IOException">It could not be done; to be tried again.</exception>
    Task ApplyAsync(VipPlan plan);

    /// <summary>Puts back what others have removed.</summary>
    /// <exception cref="IOException">It could not be done; to be tried again.</exception>
    Task CheckAsync();

    /// <summary>Removes everything that was made, also by an earlier agent.</summary>
    Task RemoveAsync();
}
