using System.Collections.Concurrent;
using System.Net;

namespace Pacer.EndToEnd.Support;

/// <summary>Clients that ask without a pause, half of them with a body that must not be sent twice.</summary>
internal sealed class Load : IDisposable
{
    private readonly HttpClient _http;
    private readonly CancellationTokenSource _over = new();
    private readonly List<Task> _clients;
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentDictionary<string, long> _answers = new();
    private long _served;
    private volatile string _last = "";

    public Load(string address, string host, int clients = 6)
    {
        _http = new HttpClient { BaseAddress = new Uri($"http://{address}/"), Timeout = TimeSpan.FromSeconds(30) };
        _http.DefaultRequestHeaders.Host = host;
        _clients = [.. Enumerable.Range(0, clients).Select(client => Task.Run(() => AskAsync(client % 2 == 0)))];
    }

    public long Served => Volatile.Read(ref _served);

    public async Task<string> GetAsync() => await (await _http.GetAsync("")).Content.ReadAsStringAsync();

    /// <summary>How many answers were this text so far.</summary>
    public long Answers(string text) => _answers.GetValueOrDefault(text);

    public Task UntilAsync(string text) => Api.Until(() => Task.FromResult(_last == text), $"an answer is '{text}'", () => Task.FromResult($"last: {_last}; failures: {string.Join("; ", _failures.Take(5))}"));

    public void Check(string during)
    {
        Assert.True(_failures.IsEmpty, $"{during}: {_failures.Count} of {Served} requests failed: {string.Join("; ", _failures.Take(10))}");
        Assert.True(Served > 50, $"{during}: only {Served} requests");
    }

    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await Task.WhenAll(_clients);
    }

    public void Dispose()
    {
        _over.Cancel();
        _http.Dispose();
    }

    private async Task AskAsync(bool posts)
    {
        while (!_over.IsCancellationRequested)
        {
            try
            {
                using var answer = posts ? await _http.PostAsync("", new StringContent("some data")) : await _http.GetAsync("");
                var text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    Interlocked.Increment(ref _served);
                    _answers.AddOrUpdate(text, 1, static (_, count) => count + 1);
                    _last = text;
                }
                else
                {
                    _failures.Enqueue($"{DateTime.UtcNow:mm:ss.fff} {(posts ? "POST" : "GET")} {(int)answer.StatusCode}");
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or ObjectDisposedException)
            {
                if (!_over.IsCancellationRequested)
                {
                    _failures.Enqueue($"{DateTime.UtcNow:mm:ss.fff} {(posts ? "POST" : "GET")} {e.Message}");
                }
            }
            await Task.Delay(5);
        }
    }
}
