using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Pacer.Cli.Client;

/// <summary>One event of <c>/v2/events</c>.</summary>
internal sealed record ClusterEvent(string Type, JsonNode? Data);

/// <summary>An open <c>/v2/events</c> connection; it ends when the server closes it.</summary>
internal sealed class EventStream(HttpResponseMessage response) : IDisposable
{
    /// <summary>Returns once the server has attached the stream: events from then on are seen.</summary>
    public static async Task<EventStream> OpenAsync(ApiClient api, IEnumerable<string> types, CancellationToken cancellationToken)
    {
        var query = string.Join('&', types.Select(type => "event_type=" + Uri.EscapeDataString(type)));
        return new EventStream(await api.OpenAsync(query.Length > 0 ? "v2/events?" + query : "v2/events", "text/event-stream", cancellationToken));
    }

    public void Dispose() => response.Dispose();

    public async IAsyncEnumerable<ClusterEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var type = "";
        var data = "";
        while (await ReadLineAsync(reader, cancellationToken) is { } line)
        {
            if (line.Length == 0)
            {
                if (data.Length > 0)
                {
                    yield return new ClusterEvent(type, JsonNode.Parse(data));
                }
                (type, data) = ("", "");
            }
            else if (line.StartsWith("event:", StringComparison.Ordinal))
            {
                type = line[6..].Trim();
            }
            else if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                data += line[5..].Trim();
            }
        }
    }

    /// <summary>A server that goes away ends the stream like one that closes it.</summary>
    private static async ValueTask<string?> ReadLineAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            return null;
        }
    }
}
