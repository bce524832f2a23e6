using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Apps;

/// <summary>Optimistic writing: plan on a snapshot, submit, and plan anew when the snapshot was out of date.</summary>
internal static class RunSpecCommit
{
    private const int MaxAttempts = 50;
    private static readonly TimeSpan NewStatePatience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// <paramref name="plan"/> may be called several times and may throw to refuse. The answer is <see cref="CommandResult.Stale"/> only when
    /// others kept winning.
    /// </summary>
    public static Task<CommandResult> SubmitAsync(
        IClusterLoop loop, Func<ClusterState, ValueList<RunSpecChange>> plan, bool force, CancellationToken cancellationToken) =>
        SubmitAsync(loop, state => new Input.ChangeRunSpecs(default, plan(state), force), cancellationToken);

    /// <summary>As above, for changes of groups too. The request's id is set here.</summary>
    public static async Task<CommandResult> SubmitAsync(
        IClusterLoop loop, Func<ClusterState, Input.ChangeRunSpecs> plan, CancellationToken cancellationToken)
    {
        CommandResult result = new CommandResult.Stale();
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var state = loop.State;
            var command = plan(state);
            result = await loop.SubmitAsync(request => command with { Request = request }, cancellationToken);
            if (result is not CommandResult.Stale)
            {
                return result;
            }
            await WaitForNewerAsync(loop, state.Index, cancellationToken);
        }
        return result;
    }

    // Somebody else's change made ours stale; usually its state is published before our answer arrives.
    private static async Task WaitForNewerAsync(IClusterLoop loop, long index, CancellationToken cancellationToken)
    {
        if (loop.State.Index > index)
        {
            return;
        }
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(NewStatePatience);
        try
        {
            await loop.WaitForIndexAsync(index + 1, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }
}
