using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>Carries out single probes, in this process but for commands, which run inside the task's container.</summary>
internal sealed partial class HealthProbes : IDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(20);

    private readonly IContainerRuntime _runtime;
    private readonly ContainerAddresses _networks;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http = NewHttp(followRedirects: false);
    private readonly HttpMessageInvoker _httpFollowing = NewHttp(followRedirects: true);

    public HealthProbes(IContainerRuntime runtime, ContainerAddresses networks, ILogger logger)
    {
        _runtime = runtime;
        _networks = networks;
        _logger = logger;
    }

    /// <summary>Ignores certificates, proxies and cookies; a connection a request.</summary>
    /// <param name="namespacePath">Connections are made in that network namespace; null: in ours.</param>
    internal static HttpMessageInvoker NewHttp(bool followRedirects, string? namespacePath = null)
    {
        var handler = new SocketsHttpHandler
        {
            // Marathon's own checks take a redirect for an answer, Mesos' follow it.
            AllowAutoRedirect = followRedirects,
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.Zero,
        };
        // A task's certificate is rarely made for 127.0.0.1, and the question is whether it answers.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        if (namespacePath is not null)
        {
            handler.ConnectCallback = async (context, cancellationToken) =>
            {
                var inside = new CheckTarget(namespacePath, IPAddress.Parse(context.DnsEndPoint.Host.Trim('[', ']')));
                return new NetworkStream(await inside.ConnectAsync(context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false), ownsSocket: true);
            };
        }
        return new HttpMessageInvoker(handler);
    }

    /// <summary>Never throws but for <paramref name="cancellationToken"/>.</summary>
    public async Task<ProbeResult> ProbeAsync(HealthCheck check, string containerId, CancellationToken cancellationToken)
    {
        var timeout = check.TimeoutMs > 0 ? TimeSpan.FromMilliseconds(check.TimeoutMs) : DefaultTimeout;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            return check.Protocol switch
            {
                HealthCheck.Types.Protocol.Tcp => await TcpAsync(check, CheckTarget.Of(check.Target, containerId, _networks, check.Ipv6), limit.Token).ConfigureAwait(false),
                HealthCheck.Types.Protocol.Command => await CommandAsync(check, containerId, limit.Token).ConfigureAwait(false),
                _ => await HttpAsync(check, CheckTarget.Of(check.Target, containerId, _networks, check.Ipv6), limit.Token).ConfigureAwait(false),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ProbeResult.Failure(string.Create(CultureInfo.InvariantCulture, $"no answer within {timeout.TotalSeconds:0.###} seconds"));
        }
        catch (HttpRequestException e)
        {
            return new ProbeResult.Failure(Innermost(e));
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            return new ProbeResult.Failure(Innermost(e));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogUnexpected(_logger, containerId, e);
            return new ProbeResult.Failure("the check could not be carried out; the agent's log says why");
        }
    }

    internal static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }
        return e.Message;
    }

    private async Task<ProbeResult> HttpAsync(HealthCheck check, CheckTarget target, CancellationToken cancellationToken)
    {
        var https = check.Protocol == HealthCheck.Types.Protocol.Https;
        var path = check.Path.StartsWith('/') ? check.Path : "/" + check.Path;
        if (!Uri.TryCreate(string.Create(CultureInfo.InvariantCulture, $"{(https ? "https" : "http")}://{target.Host}:{check.Port}{path}"), UriKind.Absolute, out var uri))
        {
            return new ProbeResult.Failure($"'{path}' is not a path of a URL");
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { ConnectionClose = true } };
        request.Headers.UserAgent.ParseAdd("pacer-health-check");
        // Of its own: connections to one address in different namespaces must not be mistaken for each other.
        using var inside = target.NamespacePath is null ? null : NewHttp(check.AgentKills, target.NamespacePath);
        using var answer = await (inside ?? (check.AgentKills ? _httpFollowing : _http)).SendAsync(request, cancellationToken).ConfigureAwait(false);
        return (int)answer.StatusCode switch
        {
            >= 200 and < 400 => new ProbeResult.Success(),
            >= 100 and < 200 when check.IgnoreHttp1Xx && !https => new ProbeResult.Ignored(),
            var code => new ProbeResult.Failure(string.Create(CultureInfo.InvariantCulture, $"answered {code} {answer.ReasonPhrase}").TrimEnd()),
        };
    }

    private static async Task<ProbeResult> TcpAsync(HealthCheck check, CheckTarget target, CancellationToken cancellationToken)
    {
        using var socket = await target.ConnectAsync(check.Port, cancellationToken).ConfigureAwait(false);
        return new ProbeResult.Success();
    }

    private async Task<ProbeResult> CommandAsync(HealthCheck check, string containerId, CancellationToken cancellationToken)
    {
        var code = await ContainerCommand.RunAsync(_runtime, containerId, ["/bin/sh", "-c", check.Command], cancellationToken).ConfigureAwait(false);
        return code == 0
            ? new ProbeResult.Success()
            : new ProbeResult.Failure(string.Create(CultureInfo.InvariantCulture, $"the command exited with status {code}"));
    }

    public void Dispose()
    {
        _http.Dispose();
        _httpFollowing.Dispose();
    }

    [LoggerMessage(2601, LogLevel.Warning, "Unexpected error in a health check of container {Container}")]
    private static partial void LogUnexpected(ILogger logger, string container, Exception e);
}
