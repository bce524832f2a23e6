using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.Endpoints;

namespace Pacer.Edge.Endpoints;

/// <summary>
/// Follows the endpoints feed of a server for as long as it lives: connects, takes a snapshot, then every change, and connects again
/// when the stream breaks. What was received last stays valid meanwhile.
/// </summary>
public sealed partial class EndpointSource : IAsyncDisposable
{
    // The server shows a sign of life every 5 s.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly Uri _feed;
    private readonly Action<EndpointUpdate> _apply;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;
    private string? _cursor;

    /// <param name="server">Base address of the REST API.</param>
    /// <param name="apply">
    /// Gets each update, one at a time; never a partial one. An update with <see cref="EndpointUpdate.Reset"/> holds all rows there are.
    /// </param>
    public EndpointSource(Uri server, Action<EndpointUpdate> apply, TimeProvider time, ILogger log)
    {
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        _feed = new Uri(server, "pacer/endpoints");
        _apply = apply;
        _time = time;
        _log = log;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Completes when the first snapshot was applied.</summary>
    public Task FirstSnapshot => _first.Task;

    /// <summary>Why there is no contact; null while there is.</summary>
    public string? Trouble { get; private set; } = "not connected yet";

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _http.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = ShortestPause;
        while (!_stopping.IsCancellationRequested)
        {
            var cursor = _cursor;
            try
            {
                await FollowAsync();
                Trouble = "the server closed the stream";
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or JsonException)
            {
                Trouble = e is OperationCanceledException ? "no sign of life from the server" : e.Message;
            }
            catch (Exception e)
            {
                // Rows that can't be taken over: begin again with a snapshot.
                Trouble = "an update could not be taken over";
                _cursor = null;
                LogUpdateFailed(e);
            }
            LogNoContact(_feed, Trouble);
            pause = cursor != _cursor ? ShortestPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            try
            {
                await Task.Delay(pause, _time, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task FollowAsync()
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        silence.CancelAfter(Silence);
        using var request = new HttpRequestMessage(HttpMethod.Get, _feed);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (_cursor is not null)
        {
            request.Headers.Add("Last-Event-ID", _cursor);
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"the server answered {(int)response.StatusCode}");
        }
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(silence.Token));
        EndpointUpdate? parts = null;
        while (await reader.ReadLineAsync(silence.Token) is { } line)
        {
            silence.CancelAfter(Silence);
            Trouble = null;
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }
            var part = JsonSerializer.Deserialize(line.AsSpan(6), EndpointJson.Default.EndpointUpdate) ?? throw new JsonException("an update is null");
            parts = parts is null ? part : parts.Join(part);
            if (!part.Partial)
            {
                _apply(parts);
                _cursor = parts.Cursor;
                parts = null;
                _first.TrySetResult();
            }
        }
    }

    [LoggerMessage(EventId = 600, Level = LogLevel.Information, Message = "No endpoints from {Feed}: {Trouble}. What is known stays valid; trying again.")]
    private partial void LogNoContact(Uri feed, string? trouble);

    [LoggerMessage(EventId = 601, Level = LogLevel.Error, Message = "An update of the endpoints could not be taken over. This is a bug in Pacer.")]
    private partial void LogUpdateFailed(Exception exception);
}
