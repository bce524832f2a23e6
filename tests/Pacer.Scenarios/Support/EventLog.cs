using System.Text.Json.Nodes;

namespace Pacer.Scenarios.Support;

internal sealed record SeenEvent(string Type, JsonObject Body)
{
    public string Text(string member) => Body[member]?.ToString() ?? "";

    public string Deployment => Body["plan"]?["id"]?.ToString() ?? Text("id");
}

/// <summary>Everything that one subscriber of <c>/v2/events</c> has read.</summary>
internal sealed class EventLog : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<SeenEvent> _events = [];
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;

    private EventLog() { }

    public static async Task<EventLog> OpenAsync(HttpClient http, string query = "")
    {
        var log = new EventLog();
        log._reading = Task.Run(() => log.ReadAsync(http, query));
        await log._attached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return log;
    }

    public IReadOnlyList<SeenEvent> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Where the log ends now, to look only at what comes later.</summary>
    public int Mark => All.Count;

    public Task<SeenEvent> WaitAsync(string type, Func<SeenEvent, bool> wanted, int after = 0) =>
        Waiting.ForAsync(() => Task.FromResult(All.Skip(after).FirstOrDefault(e => e.Type == type && wanted(e))), $"a matching {type}");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _reading;
        _end.Dispose();
    }

    private async Task ReadAsync(HttpClient http, string query)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events" + query);
            request.Headers.Add("Accept", "text/event-stream");
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _end.Token);
            response.EnsureSuccessStatusCode();
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(_end.Token));
            _attached.TrySetResult();
            while (await reader.ReadLineAsync(_end.Token) is { } line)
            {
                if (line.StartsWith("data:", StringComparison.Ordinal) && JsonNode.Parse(line[5..]) is JsonObject body)
                {
                    lock (_lock)
                    {
                        _events.Add(new SeenEvent(body["eventType"]!.ToString(), body));
                    }
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
            _attached.TrySetException(e); // else: the subscriber left or the server stopped
        }
    }
}
