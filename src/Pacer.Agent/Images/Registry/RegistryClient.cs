using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Pacer.Agent.Images.Registry;

/// <summary>
/// The pulling half of the registry API v2 (OCI distribution), over HTTP: no program has to be there for it. Tries mirrors before the
/// registry itself, and everything a few times.
/// </summary>
internal sealed class RegistryClient : IDisposable
{
    private const int MostManifestBytes = 4 << 20;
    private const int MostConfigBytes = 8 << 20;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(2)];

    private static readonly string[] ManifestTypes =
    [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ];

    private readonly RegistrySettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _strict = Client(checkCertificates: true);
    private readonly HttpClient _lenient = Client(checkCertificates: false);
    private readonly RegistryAuthorization _authorization = new();
    private readonly ConcurrentDictionary<string, Uri> _lastGood = new(StringComparer.OrdinalIgnoreCase);

    public RegistryClient(RegistrySettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
    }

    /// <summary>The manifest behind a tag or digest, checked against the digest when that was asked for.</summary>
    /// <exception cref="ImageException">It can't be had; the message says why, without the image's name.</exception>
    public async Task<(string Digest, byte[] Content)> GetManifestAsync(ImageName name, string reference, DockerConfig logins, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(name, "manifests/" + reference, ManifestTypes, null, logins, cancellationToken).ConfigureAwait(false);
        var content = await WithinAnswerTime(token => ReadLimitedAsync(answer.Content, MostManifestBytes, token), cancellationToken).ConfigureAwait(false);
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
        return !reference.StartsWith("sha256:", StringComparison.Ordinal) || reference == digest
            ? (digest, content)
            : throw new ImageException($"the registry sent something else than {reference}");
    }

    /// <summary>A small blob: an image's configuration.</summary>
    public async Task<byte[]> GetConfigAsync(ImageName name, BlobDescriptor blob, DockerConfig logins, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(name, "blobs/" + blob.Digest, [], null, logins, cancellationToken).ConfigureAwait(false);
        var content = await WithinAnswerTime(token => ReadLimitedAsync(answer.Content, MostConfigBytes, token), cancellationToken).ConfigureAwait(false);
        return blob.Digest == "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content))
            ? content
            : throw new ImageException($"the registry sent something else than {blob.Digest}");
    }

    /// <summary>Any blob, from a byte on.</summary>
    public Task<HttpResponseMessage> OpenBlobAsync(ImageName name, string digest, long from, DockerConfig logins, CancellationToken cancellationToken) =>
        SendAsync(name, "blobs/" + digest, [], from == 0 ? null : new RangeHeaderValue(from, null), logins, cancellationToken);

    internal static async Task<byte[]> ReadLimitedAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        var stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var copy = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            copy.Write(buffer, 0, read);
            if (copy.Length > limit)
            {
                throw new ImageException($"the registry's answer is longer than {limit >> 20} MiB");
            }
        }
        return copy.ToArray();
    }

    private async Task<HttpResponseMessage> SendAsync(
        ImageName name, string what, string[] accept, RangeHeaderValue? range, DockerConfig logins, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (answer, failure, isFinal) = await TryEndpointsAsync(name, what, accept, range, logins, cancellationToken).ConfigureAwait(false);
            if (answer is not null)
            {
                return answer;
            }
            if (isFinal || attempt == Pauses.Length)
            {
                throw new ImageException(failure);
            }
            await Task.Delay(Pauses[attempt], _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<(HttpResponseMessage? Answer, string Failure, bool IsFinal)> TryEndpointsAsync(
        ImageName name, string what, string[] accept, RangeHeaderValue? range, DockerConfig logins, CancellationToken cancellationToken)
    {
        var (failure, isFinal) = ("", false);
        var endpoints = _settings.Endpoints(name.Registry);
        if (_lastGood.TryGetValue(name.Registry, out var good) && endpoints.Contains(good))
        {
            endpoints = [good, .. endpoints.Where(endpoint => endpoint != good)];
        }
        foreach (var endpoint in endpoints)
        {
            try
            {
                var answer = await AskAsync(endpoint, name, what, accept, range, logins, cancellationToken).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                {
                    _lastGood[name.Registry] = endpoint;
                    return (answer, "", true);
                }
                // The last word is the registry's own: a mirror may just not have it.
                (failure, isFinal) = (Explain(answer, endpoint, what, logins.For(name.Registry)), (int)answer.StatusCode is < 500 and not 429 and not 408);
                answer.Dispose();
            }
            catch (ImageException e)
            {
                (failure, isFinal) = (e.Message, true);
            }
            catch (HttpRequestException e)
            {
                // Plain HTTP asked of an HTTPS port is no news when HTTPS has already given an answer.
                if (failure.Length == 0 || endpoint.Scheme == Uri.UriSchemeHttps || !isFinal)
                {
                    (failure, isFinal) = ($"{endpoint.Authority} can't be reached: {Cause(e)}", false);
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                (failure, isFinal) = (string.Create(CultureInfo.InvariantCulture, $"{endpoint.Authority} did not answer for {AnswerTime.TotalSeconds} seconds"), false);
            }
        }
        return (null, failure, isFinal);
    }

    private async Task<HttpResponseMessage> AskAsync(
        Uri endpoint, ImageName name, string what, string[] accept, RangeHeaderValue? range, DockerConfig logins, CancellationToken cancellationToken)
    {
        var http = _settings.IsInsecure(endpoint.Authority) || _settings.IsInsecure(name.Registry) ? _lenient : _strict;
        var isRegistryItself = endpoint.Authority == name.Registry || name.Registry == ImageName.DockerHub && endpoint.Host == "registry-1.docker.io";
        var login = logins.For(isRegistryItself ? name.Registry : endpoint.Authority);
        var address = new Uri($"{endpoint.ToString().TrimEnd('/')}/v2/{name.Repository}/{what}");
        var header = _authorization.Known(endpoint, name.Repository, login);
        for (var first = true; ; first = false)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Authorization = header, Range = range } };
            foreach (var type in accept)
            {
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
            }
            var answer = await WithinAnswerTime(
                token => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.Unauthorized || !first || RegistryChallenge.Of(answer.Headers.WwwAuthenticate) is not { } challenge)
            {
                return answer;
            }
            header = await WithinAnswerTime(
                token => _authorization.AnswerAsync(http, endpoint, name.Repository, login, challenge, token), cancellationToken).ConfigureAwait(false);
            if (header is null)
            {
                return answer;
            }
            answer.Dispose();
        }
    }

    private static string Explain(HttpResponseMessage answer, Uri endpoint, string what, RegistryLogin? login) => answer.StatusCode switch
    {
        HttpStatusCode.NotFound => $"{endpoint.Authority} has no such {(what.StartsWith("blobs", StringComparison.Ordinal) ? "layer" : "image")}",
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => login is null
            ? $"{endpoint.Authority} gives no access without a login"
            : $"{endpoint.Authority} gives user '{login.User}' no access",
        HttpStatusCode.TooManyRequests => $"{endpoint.Authority} refuses more requests for now (429)",
        var status => string.Create(CultureInfo.InvariantCulture, $"{endpoint.Authority} answered {(int)status} {answer.ReasonPhrase}"),
    };

    private static string Cause(HttpRequestException e) => (e.GetBaseException() ?? e).Message;

    private async Task<T> WithinAnswerTime<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(AnswerTime, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        return await work(both.Token).ConfigureAwait(false);
    }

    private static HttpClient Client(bool checkCertificates)
    {
        var handler = new SocketsHttpHandler
        {
            // A blob often lies elsewhere; the login is not sent along there.
            AllowAutoRedirect = true,
            MaxAutomaticRedirections = 10,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        };
        if (!checkCertificates)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        }
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("pacer");
        return client;
    }

    public void Dispose()
    {
        _strict.Dispose();
        _lenient.Dispose();
    }
}
