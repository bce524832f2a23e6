using Pacer.Agent.Containers.Docker;

namespace Pacer.Agent.Containers;

/// <summary>The runtimes of a node as one: the node's own, and a Docker daemon where there may be one.</summary>
internal sealed class NodeRuntimes(IContainerRuntime own, DockerRuntime? docker) : IContainerRuntime
{
    /// <summary>Runs all containers but those of type Docker.</summary>
    public IContainerRuntime Own => own;

    public string Name => own.Name;

    public bool RunsImages => own.RunsImages;

    public string? MissingIsolation => own.MissingIsolation;

    public Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken) =>
        Of(plan.ContainerId)?.StartAsync(plan, cancellationToken) ?? throw new ContainerStartException("this node does not run Docker containers");

    public Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken) =>
        Of(containerId)?.WaitAsync(containerId, cancellationToken) ?? Task.FromResult(ContainerExit.Unknown);

    public Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken) =>
        Of(containerId)?.SignalAsync(containerId, signal, cancellationToken) ?? Task.CompletedTask;

    public Task DeleteAsync(string containerId, CancellationToken cancellationToken) =>
        Of(containerId)?.DeleteAsync(containerId, cancellationToken) ?? Task.CompletedTask;

    public Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken) =>
        Of(containerId)?.RecoverAsync(containerId, sandbox, cancellationToken) ?? Task.FromResult(RecoveredState.Absent);

    public async Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken) =>
        await own.RemoveOrphansAsync(known, cancellationToken).ConfigureAwait(false)
        + (docker is null ? 0 : await docker.RemoveOrphansAsync(known, cancellationToken).ConfigureAwait(false));

    public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken) =>
        Of(containerId)?.ExecAsync(containerId, plan, cancellationToken) ?? throw new ContainerStartException("this node does not run Docker containers");

    public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) =>
        Of(containerId)?.ReadUsageAsync(containerId, cancellationToken) ?? Task.FromResult(new ContainerUsage(null, null, null));

    public IDisposable? Freeze(string containerId) => Of(containerId)?.Freeze(containerId);

    private IContainerRuntime? Of(string containerId) => ContainerKind.IsDocker(containerId) ? docker : own;
}
