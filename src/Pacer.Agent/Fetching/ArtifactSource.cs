using System.Globalization;
using System.Net;

namespace Pacer.Agent.Fetching;

/// <summary>Brings the bytes behind a URI (http, https, file or an absolute path) into a file.</summary>
internal sealed class ArtifactSource : IDisposable
{
    private const int BufferBytes = 128 * 1024;
    private static readonly TimeSpan DefaultStallTimeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly TimeSpan _stallTimeout;

    /// <param name="stallTimeout">A transfer without a single byte for so long has failed; null: one minute.</param>
    public ArtifactSource(TimeProvider time, TimeSpan? stallTimeout = null)
    {
        _time = time;
        _stallTimeout = stallTimeout ?? DefaultStallTimeout;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = true,
            MaxAutomaticRedirections = 10,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("pacer");
    }

    /// <summary>Last part of the URI's path, without its query; null when there is none.</summary>
    public static string? FileName(string uri)
    {
        var path = uri.StartsWith('/') ? uri : Uri.TryCreate(uri, UriKind.Absolute, out var parsed) ? Uri.UnescapeDataString(parsed.AbsolutePath) : "";
        var name = path[(path.LastIndexOf('/') + 1)..];
        return name is "" or "." or ".." || name.Contains('\0', StringComparison.Ordinal) ? null : name;
    }

    /// <summary>Throws <see cref="FetchException"/>, which names the URI and the cause.</summary>
    public async Task CopyToAsync(string uri, string file, CancellationToken cancellationToken)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var alarm = _time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), stalled, _stallTimeout, Timeout.InfiniteTimeSpan);
        try
        {
            if (uri.StartsWith('/'))
            {
                await CopyFileAsync(uri, file, stalled.Token).ConfigureAwait(false);
            }
            else if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed))
            {
                throw Failed(uri, "not a URI and not an absolute path");
            }
            else if (parsed.Scheme == Uri.UriSchemeFile)
            {
                await CopyFileAsync(parsed.LocalPath, file, stalled.Token).ConfigureAwait(false);
            }
            else if (parsed.Scheme == Uri.UriSchemeHttp || parsed.Scheme == Uri.UriSchemeHttps)
            {
                await DownloadAsync(parsed, uri, file, alarm, stalled.Token).ConfigureAwait(false);
            }
            else
            {
                throw Failed(uri, $"the scheme '{parsed.Scheme}' is not supported; use http, https, file or an absolute path");
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed(uri, string.Create(CultureInfo.InvariantCulture, $"no data for {_stallTimeout.TotalSeconds:0.#} seconds"));
        }
        catch (HttpRequestException e)
        {
            throw Failed(uri, (e.InnerException ?? e).Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(uri, e.Message);
        }
    }

    private static FetchException Failed(string uri, string cause) => new($"Failed to fetch {uri}: {cause}");

    private async Task DownloadAsync(Uri address, string uri, string file, ITimer alarm, CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            throw Failed(uri, string.Create(CultureInfo.InvariantCulture, $"{(int)answer.StatusCode} {answer.ReasonPhrase}"));
        }
        var content = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            await using var target = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true);
            var buffer = new byte[BufferBytes];
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                alarm.Change(_stallTimeout, Timeout.InfiniteTimeSpan);
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task CopyFileAsync(string source, string file, CancellationToken cancellationToken)
    {
        if (Directory.Exists(source))
        {
            throw new IOException("it is a directory");
        }
        await using var from = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferBytes, useAsync: true);
        await using var to = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true);
        await from.CopyToAsync(to, BufferBytes, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _http.Dispose();
}
