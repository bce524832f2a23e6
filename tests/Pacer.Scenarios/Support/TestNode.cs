using Pacer.Agent;

namespace Pacer.Scenarios.Support;

/// <summary>A real agent with a work directory of its own, which can leave and come back while its containers run on.</summary>
internal sealed class TestNode(AgentOptions options)
{
    private AgentHost? _agent;

    public AgentOptions Options => options;

    public string Name => options.Hostname!;

    public bool IsUp => _agent is not null;

    public AgentHost Agent => _agent!;

    public async Task StartAsync()
    {
        _agent = await AgentHost.StartAsync(options, CancellationToken.None);
        await _agent.WaitForRegistrationAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    public async Task StopAsync()
    {
        if (_agent is { } agent)
        {
            _agent = null;
            await agent.DisposeAsync();
        }
    }

    /// <summary>Ends its containers and takes away its mounts and cgroups.</summary>
    public async Task RemoveAsync()
    {
        await StopAsync();
        var result = await AgentHost.TeardownAsync(options, CancellationToken.None);
        Assert.Empty(result.TasksLeft);
    }
}
