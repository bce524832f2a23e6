using Pacer.Core.Cluster;
using Pacer.Server.Loop;

namespace Pacer.Shell.Tests.Loop;

public sealed class IndexWaitersTests
{
    [Fact]
    public async Task Waiter_ThatGivesUp_IsForgotten_AndTheOthersGoOn()
    {
        var waiters = new IndexWaiters();
        var state = ClusterState.Empty;
        var patient = waiters.WaitAsync(5, () => state, TestContext.Current.CancellationToken);
        using var gone = new CancellationTokenSource();
        var impatient = Enumerable.Range(1, 1000).Select(index => waiters.WaitAsync(index % 9 + 1, () => state, gone.Token)).ToList();
        Assert.Equal(1001, waiters.Count);
        await gone.CancelAsync();
        foreach (var waiter in impatient)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        }
        Assert.Equal(1, waiters.Count);
        waiters.Published(state with { Index = 4 });
        Assert.False(patient.IsCompleted);
        waiters.Published(state with { Index = 7 });
        Assert.Equal(7, (await patient).Index);
        Assert.Equal(0, waiters.Count);
    }
}
