using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>What a readiness check was answered last. Without <see cref="Status"/> nobody asked to keep the answer. Part of the checkpoint.</summary>
internal sealed record ReadinessState(string Name, bool Ready, int? Status, string? ContentType, string? Body);

/// <summary>Last result of a generic check; the one member that is set tells of which kind it is. Part of the checkpoint.</summary>
internal sealed record CheckOutcome(int? HttpStatus, bool? TcpSucceeded, int? ExitCode);

/// <summary>Asks tasks and gives back what they answer, for readiness checks and generic checks.</summary>
internal sealed partial class AnswerProbes(IContainerRuntime runtime, ContainerAddresses networks, ILogger logger) : IDisposable
{
    /// <summary>Of a body that is kept, in characters: it goes to the server's state with each change.</summary>
    public const int LongestBody = 4_096;

    private readonly HttpMessageInvoker _http = HealthProbes.NewHttp(followRedirects: false);
    private readonly HttpMessageInvoker _httpFollowing = HealthProbes.NewHttp(followRedirects: true);

    /// <summary>Never throws but for <paramref name="cancellationToken"/>. Who can't be asked is not ready, with an answer of 504 of our own.</summary>
    public async Task<ReadinessState> ReadinessAsync(ReadinessCheck check, string containerId, CancellationToken cancellationToken)
    {
        var url = Url(check.Https, "127.0.0.1", check.Port, check.Path);
        using var limit = Limit(check.TimeoutMs, cancellationToken);
        try
        {
            var target = CheckTarget.Of(check.Target, containerId, networks);
            url = Url(check.Https, target.Host, check.Port, check.Path);
            using var answer = await AskAsync(_http, url, limit.Token).ConfigureAwait(false);
            var status = (int)answer.StatusCode;
            var ready = check.ReadyStatuses.Contains(status);
            return check.PreserveLastResponse
                ? new ReadinessState(check.Name, ready, status, answer.Content.Headers.ContentType?.ToString() ?? "",
                    await BodyAsync(answer, limit.Token).ConfigureAwait(false))
                : new ReadinessState(check.Name, ready, null, null, null);
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            var cause = e is OperationCanceledException
                ? string.Create(CultureInfo.InvariantCulture, $"no answer within {check.TimeoutMs / 1000.0:0.###} seconds")
                : HealthProbes.Innermost(e);
            return check.PreserveLastResponse
                ? new ReadinessState(check.Name, false, 504, "text/plain", $"Pacer could not query {url}: {cause}")
                : new ReadinessState(check.Name, false, null, null, null);
        }
    }

    /// <summary>Null: it could not be carried out, or had no answer in time. Never throws but for <paramref name="cancellationToken"/>.</summary>
    public async Task<CheckOutcome?> CheckAsync(StatusCheck check, string containerId, CancellationToken cancellationToken)
    {
        using var limit = Limit(check.TimeoutMs, cancellationToken);
        try
        {
            switch (check.KindCase)
            {
                case StatusCheck.KindOneofCase.Http:
                    var target = CheckTarget.Inside(containerId, networks);
                    // Of its own: connections to one address in different namespaces must not be mistaken for each other.
                    using (var inside = target.NamespacePath is null ? null : HealthProbes.NewHttp(followRedirects: true, target.NamespacePath))
                    using (var answer = await AskAsync(
                        inside ?? _httpFollowing, Url(check.Http.Https, target.Host, check.Http.Port, check.Http.Path), limit.Token).ConfigureAwait(false))
                    {
                        return new CheckOutcome((int)answer.StatusCode, null, null);
                    }
                case StatusCheck.KindOneofCase.Tcp:
                    return new CheckOutcome(null, await ConnectsAsync(CheckTarget.Inside(containerId, networks), check.Tcp.Port, limit.Token).ConfigureAwait(false), null);
                default:
                    IReadOnlyList<string> command = check.Exec?.KindCase == Command.KindOneofCase.Arguments
                        ? [.. check.Exec.Arguments.Values]
                        : ["/bin/sh", "-c", check.Exec?.Shell ?? ""];
                    return new CheckOutcome(null, null, await ContainerCommand.RunAsync(runtime, containerId, command, limit.Token).ConfigureAwait(false));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && check.KindCase == StatusCheck.KindOneofCase.Tcp)
        {
            return new CheckOutcome(null, false, null);
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogUnexpected(logger, containerId, e);
            return null;
        }
    }

    private static CancellationTokenSource Limit(long timeoutMs, CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMilliseconds(Math.Max(1, timeoutMs)));
        return limit;
    }

    private static bool IsNoAnswer(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or SocketException or IOException or UriFormatException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static string Url(bool https, string host, int port, string path) =>
        string.Create(CultureInfo.InvariantCulture, $"{(https ? "https" : "http")}://{host}:{port}{(path.StartsWith('/') ? "" : "/")}{path}");

    private static Task<HttpResponseMessage> AskAsync(HttpMessageInvoker http, string url, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, UriKind.Absolute)) { Headers = { ConnectionClose = true } };
        request.Headers.UserAgent.ParseAdd("pacer-check");
        return http.SendAsync(request, cancellationToken);
    }

    private static async Task<string> BodyAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = new char[LongestBody];
        var length = await reader.ReadBlockAsync(text, cancellationToken).ConfigureAwait(false);
        return new string(text, 0, length);
    }

    private static async Task<bool> ConnectsAsync(CheckTarget target, int port, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await target.ConnectAsync(port, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _httpFollowing.Dispose();
    }

    [LoggerMessage(2602, LogLevel.Warning, "Unexpected error in a check of container {Container}")]
    private static partial void LogUnexpected(ILogger logger, string container, Exception e);
}
