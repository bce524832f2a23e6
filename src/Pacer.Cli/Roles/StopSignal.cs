using System.Runtime.InteropServices;

namespace Pacer.Cli.Roles;

/// <summary>Ctrl-C, SIGTERM and a closed terminal ask a role to stop in order; a second Ctrl-C ends it at once. SIGUSR2 asks for an end after which the next one goes on.</summary>
internal sealed class StopSignal : IDisposable
{
    private const PosixSignal HandOver = (PosixSignal)12; // SIGUSR2

    private readonly CancellationTokenSource _asked = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignal()
    {
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, HandOver }.Select(signal => PosixSignalRegistration.Create(signal, Ask))];
    }

    /// <summary>Another process will take over what can go on meanwhile.</summary>
    public bool HandsOver { get; private set; }

    public CancellationToken Token => _asked.Token;

    public async Task WaitAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = Token.Register(done.SetResult);
        await done.Task;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
        _asked.Dispose();
    }

    private void Ask(PosixSignalContext context)
    {
        context.Cancel = !(_asked.IsCancellationRequested && context.Signal == PosixSignal.SIGINT);
        HandsOver |= context.Signal == HandOver;
        _asked.Cancel();
    }
}
