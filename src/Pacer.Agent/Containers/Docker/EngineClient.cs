using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Pacer.Agent.Containers.Docker;

/// <summary>The Engine refused a request; the message is its own, fit for a task's status.</summary>
internal sealed class EngineException(int status, string message) : Exception(message)
{
    public int Status => status;
}

/// <summary>Nobody answers at the socket, or the connection broke: nothing is known of what was asked.</summary>
internal sealed class EngineUnavailableException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>
/// Speaks the Docker Engine API over a Unix socket, as Docker and Podman serve it. Every call throws <see cref="EngineException"/> when it is
/// refused and <see cref="EngineUnavailableException"/> when nobody answers.
/// </summary>
internal sealed class EngineClient : IDisposable
{
    /// <summary>What is asked for here is understood since 1.41; newer daemons have dropped what is below 1.44.</summary>
    private static readonly Version Newest = new(1, 44);
    private static readonly TimeSpan PingTime = TimeSpan.FromSeconds(5);

    /// <summary>Starting many containers at once takes a daemon its time.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMinutes(3);

    private readonly DockerSocket _socket;
    private readonly HttpMessageInvoker _http;
    private string? _version;

    public EngineClient(DockerSocket socket)
    {
        _socket = socket;
        _http = new HttpMessageInvoker(NewHandler(null));
    }

    /// <summary>Where it listens, for messages.</summary>
    public string Where => _socket.Where;

    /// <summary>Whether it answers; also learns which version of the API it speaks.</summary>
    public async Task<bool> PingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(PingTime);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://docker/_ping");
            using var answer = await _http.SendAsync(request, limit.Token).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return false;
            }
            var told = answer.Headers.TryGetValues("Api-Version", out var values) && Version.TryParse(values.First(), out var version) ? version : Newest;
            _version = (told < Newest ? told : Newest).ToString();
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(answer, type, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Null when there is no such thing.</summary>
    public async Task<T?> FindAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) where T : class
    {
        try
        {
            return await GetAsync(path, type, cancellationToken).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Status == 404)
        {
            return null;
        }
    }

    public async Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Post, path, Json(body, bodyType), cancellationToken).ConfigureAwait(false);
        return await ReadAsync(answer, answerType, cancellationToken).ConfigureAwait(false);
    }

    public async Task PostAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Post, path, null, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Delete, path, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>An answer of any length, for as long as it takes. The caller disposes it.</summary>
    public async Task<HttpResponseMessage> OpenAsync(HttpMethod method, string path, string? registryAuth, CancellationToken cancellationToken)
    {
        using var request = await RequestAsync(method, path, null, cancellationToken).ConfigureAwait(false);
        if (registryAuth is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Registry-Auth", registryAuth);
        }
        return await ExchangeAsync(_http, request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// A connection that leaves HTTP after the request and carries bytes both ways. Shutting the socket down for sending tells the other end
    /// that no more input comes.
    /// </summary>
    public async Task<(Stream Stream, Socket Socket)> HijackAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        // A handler of its own: its one connection is the caller's.
        var handler = NewHandler(connected => socket = connected);
        try
        {
            using var request = await RequestAsync(HttpMethod.Post, path, Json(body, type), cancellationToken).ConfigureAwait(false);
            request.Headers.Connection.Add("Upgrade");
            request.Headers.Upgrade.Add(new ProductHeaderValue("tcp"));
            using var once = new HttpMessageInvoker(handler, disposeHandler: false);
            var answer = await ExchangeAsync(once, request, cancellationToken).ConfigureAwait(false);
            return (await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), socket!);
        }
        catch
        {
            handler.Dispose();
            throw;
        }
    }

    /// <summary>Runs the reading of an answer's body and gives broken connections their name.</summary>
    public static async Task<T> GuardAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException and not EngineUnavailableException)
        {
            throw new EngineUnavailableException("the connection to the Docker daemon broke", e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerTime);
        try
        {
            using var request = await RequestAsync(method, path, body, limit.Token).ConfigureAwait(false);
            return await ExchangeAsync(_http, request, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EngineUnavailableException(string.Create(CultureInfo.InvariantCulture, $"the Docker daemon at {Where} did not answer within {AnswerTime.TotalMinutes:0} minutes"));
        }
    }

    private async Task<HttpRequestMessage> RequestAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellationToken)
    {
        if (_version is null && !await PingAsync(cancellationToken).ConfigureAwait(false))
        {
            throw new EngineUnavailableException($"the Docker daemon at {Where} does not answer");
        }
        return new HttpRequestMessage(method, $"http://docker/v{_version}{path}") { Content = body };
    }

    private async Task<HttpResponseMessage> ExchangeAsync(HttpMessageInvoker http, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage answer;
        try
        {
            answer = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
        {
            // Another daemon, with another version, may be the next to answer.
            _version = null;
            throw new EngineUnavailableException($"the Docker daemon at {Where} does not answer", e);
        }
        if ((int)answer.StatusCode < 400)
        {
            return answer;
        }
        using (answer)
        {
            var text = await GuardAsync(() => answer.Content.ReadAsStringAsync(cancellationToken)).ConfigureAwait(false);
            throw new EngineException((int)answer.StatusCode, Reason(text) ?? string.Create(CultureInfo.InvariantCulture, $"the Docker daemon answered {(int)answer.StatusCode}"));
        }
    }

    private static string? Reason(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, EngineJson.Default.EngineProblem)?.Message?.Trim();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancellationToken) => await GuardAsync(async () =>
    {
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await JsonSerializer.DeserializeAsync(stream, type, cancellationToken).ConfigureAwait(false)
                ?? throw new EngineException(502, "the Docker daemon answered nothing");
        }
        catch (JsonException)
        {
            throw new EngineException(502, "the Docker daemon's answer can't be read");
        }
    }).ConfigureAwait(false);

    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type) => new(JsonSerializer.SerializeToUtf8Bytes(body, type))
    {
        Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
    };

    private SocketsHttpHandler NewHandler(Action<Socket>? connected) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        // Each wait and each log that is followed holds one.
        MaxConnectionsPerServer = int.MaxValue,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(_socket.EndPoint(), cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
            connected?.Invoke(socket);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    public void Dispose() => _http.Dispose();
}
