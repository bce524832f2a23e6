using Microsoft.Extensions.Hosting;

namespace Pacer.Server.Hosting;

/// <summary>Leaves signals to the program: a server may be one of several parts in its process.</summary>
internal sealed class EmbeddedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
