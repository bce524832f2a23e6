using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>What a call answered: its body (null when there is none or it is no JSON) and the deployment that it started.</summary>
internal sealed record ApiReply(HttpStatusCode Status, JsonNode? Body, string? DeploymentId);

/// <summary>The REST API as commands use it: refusals become <see cref="CliException"/>s fit for people, warnings go to standard error.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Terminal _terminal;

    public ApiClient(string server, Terminal terminal)
    {
        _terminal = terminal;
        var text = server.Contains("://", StringComparison.Ordinal) ? server : "http://" + server;
        if (!Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw CliException.Usage($"--server '{server}' is no URL. Give one such as http://127.0.0.1:8080 (or set PACER_SERVER).");
        }
        Server = address;
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10), UseProxy = false })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public Uri Server { get; }

    public void Dispose() => _http.Dispose();

    /// <summary>The path of an app's resource: <c>v2/apps/a/b</c> for <c>a/b</c> or <c>/a/b</c>.</summary>
    public static string AppPath(string appId) => "v2/apps/" + EscapeId(appId);

    public static string PodPath(string podId) => "v2/pods/" + EscapeId(podId);

    public static string EscapeId(string id) =>
        string.Join('/', id.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.EscapeDataString));

    public async Task<JsonNode?> GetAsync(string path, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Get, path, null, cancellationToken)).Body;

    /// <summary>As <see cref="GetAsync"/>, with null for 404.</summary>
    public async Task<JsonNode?> FindAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync(path, cancellationToken);
        }
        catch (CliException exception) when (exception.ExitCode == ExitCode.NotFound)
        {
            return null;
        }
    }

    public Task<ApiReply> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken) =>
        SendBytesAsync(method, path, body is null ? null : Encoding.UTF8.GetBytes(JsonText.OneLine(body)), cancellationToken);

    public async Task<ApiReply> SendBytesAsync(
        HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
            // A body that is too large is refused before it is sent, with a reason that can be read.
            request.Headers.ExpectContinue = body.Length > 1024 * 1024;
        }
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var node = Parse(text);
        if (!response.IsSuccessStatusCode)
        {
            throw Refusal(response.StatusCode, node, text);
        }
        var deployment = response.Headers.TryGetValues("Marathon-Deployment-Id", out var ids) ? ids.First() : node.Text("deploymentId");
        return new ApiReply(response.StatusCode, node, deployment.Length > 0 ? deployment : null);
    }

    /// <summary>A body that is read as it comes (files, events). The caller disposes the response.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, string accept, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            throw Refusal(response.StatusCode, Parse(text), text);
        }
    }

    public async Task<ClientWebSocket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var address = new UriBuilder(new Uri(Server, path)) { Scheme = Server.Scheme == "https" ? "wss" : "ws" }.Uri;
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.Proxy = null;
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            return socket;
        }
        catch (WebSocketException exception)
        {
            var status = socket.HttpStatusCode;
            socket.Dispose();
            throw status switch
            {
                0 => Unreachable(exception),
                // The handshake shows no body: ask for the reason once more in plain HTTP.
                _ => await ExplainAsync(path, status, cancellationToken),
            };
        }
    }

    private async Task<CliException> ExplainAsync(string path, HttpStatusCode status, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.UpgradeRequired)
        {
            return Refusal(status, null, "The task's node could not open a session; try again.");
        }
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return Refusal(response.StatusCode == status ? response.StatusCode : status, Parse(text), text);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        try
        {
            var response = await _http.SendAsync(request, completion, cancellationToken);
            if (response.Headers.TryGetValues("X-Pacer-Warning", out var warnings))
            {
                foreach (var warning in warnings)
                {
                    _terminal.ErrorLine("warning: " + warning);
                }
            }
            return response;
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(exception);
        }
    }

    private CliException Unreachable(Exception exception)
    {
        var reason = exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
            ? "nothing listens there"
            : exception.GetBaseException().Message;
        return new CliException(ExitCode.Unreachable,
            $"No Pacer answers at {Server.GetLeftPart(UriPartial.Authority)} ({reason}).\n" +
            "Start one with 'pacer up', or name another with --server URL or PACER_SERVER.");
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static CliException Refusal(HttpStatusCode status, JsonNode? body, string text)
    {
        var message = new StringBuilder(body.Text("message", text.Length is > 0 and < 300 ? text : $"The server answered {(int)status}."));
        if (body is JsonObject { } reply && reply["details"] is JsonArray details)
        {
            foreach (var detail in details)
            {
                foreach (var error in detail.Items("errors"))
                {
                    message.Append("\n  ").Append(detail.Text("path", "/")).Append(": ").Append(error);
                }
            }
        }
        else if (body.Text("details") is { Length: > 0 } reason)
        {
            message.Append(": ").Append(reason);
        }

        var blocking = body.Items("deployments").Select(deployment => deployment.Text("id")).Where(id => id.Length > 0).ToList();
        if (status == HttpStatusCode.Conflict && blocking.Count > 0)
        {
            message.Clear().Append("Locked by a running deployment: ").AppendJoin(", ", blocking)
                .Append("\nWait for it ('pacer deployment watch ").Append(blocking[0]).Append("'), undo it ('pacer deployment rollback ")
                .Append(blocking[0]).Append("'), or override it with --force.");
        }
        var code = (int)status switch
        {
            404 => ExitCode.NotFound,
            >= 500 => ExitCode.Unreachable,
            _ => ExitCode.Refused,
        };
        return new CliException(code, message.ToString());
    }
}
