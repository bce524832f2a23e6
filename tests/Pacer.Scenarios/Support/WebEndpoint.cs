using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pacer.Scenarios.Support;

/// <summary>A web server on a free port of this machine that answers every request with the status it is told.</summary>
internal sealed class WebEndpoint : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;
    private int _calls;

    /// <param name="port">0: any free one.</param>
    public WebEndpoint(int status, int port = 0)
    {
        Status = status;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public int Status { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Calls => Volatile.Read(ref _calls);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_end.Token);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
                patience.CancelAfter(TimeSpan.FromSeconds(5));
                var stream = client.GetStream();
                if (await stream.ReadAsync(new byte[4096], patience.Token) > 0)
                {
                    Interlocked.Increment(ref _calls);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), patience.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                if (_end.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }
}
