using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Pacer.Agent.Images.Layers;

namespace Pacer.Agent.Images.Registry;

/// <summary>
/// A blob as it comes. A connection that breaks or stalls is taken up again where it was; at the end the whole is compared with its
/// digest, so whoever has read to the end has read the right bytes.
/// </summary>
internal sealed class BlobStream(RegistryClient registry, ImageName name, BlobDescriptor blob, DockerConfig logins, CancellationToken pull) : PassingStream
{
    private const int MostFruitlessAttempts = 5;
    private static readonly TimeSpan StallTime = TimeSpan.FromSeconds(60);

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private CancellationTokenSource? _stall;
    private HttpResponseMessage? _answer;
    private Stream? _content;
    private long _position;
    private int _fruitless;
    private bool _atEnd;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_atEnd && buffer.Length > 0)
        {
            string cause;
            try
            {
                _content ??= await OpenAsync().ConfigureAwait(false);
                _stall!.CancelAfter(StallTime);
                var read = await _content.ReadAsync(buffer, _stall.Token).ConfigureAwait(false);
                _stall.CancelAfter(Timeout.InfiniteTimeSpan);
                if (read == 0)
                {
                    if (blob.Size >= 0 && _position < blob.Size)
                    {
                        throw new IOException(string.Create(CultureInfo.InvariantCulture, $"it ends after {_position} of {blob.Size} bytes"));
                    }
                    Finish();
                    return 0;
                }
                _hash.AppendData(buffer.Span[..read]);
                _position += read;
                _fruitless = 0;
                return read;
            }
            catch (OperationCanceledException) when (!pull.IsCancellationRequested)
            {
                cause = string.Create(CultureInfo.InvariantCulture, $"no data for {StallTime.TotalSeconds} seconds");
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                cause = e.Message;
            }
            Disconnect();
            if (++_fruitless >= MostFruitlessAttempts)
            {
                throw new ImageException($"the transfer of layer {blob.Digest} broke off: {cause}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200 << _fruitless), pull).ConfigureAwait(false);
        }
        return 0;
    }

    private async Task<Stream> OpenAsync()
    {
        _stall = CancellationTokenSource.CreateLinkedTokenSource(pull);
        _answer = await registry.OpenBlobAsync(name, blob.Digest, _position, logins, pull).ConfigureAwait(false);
        var content = await _answer.Content.ReadAsStreamAsync(pull).ConfigureAwait(false);
        if (_position > 0 && _answer.StatusCode != HttpStatusCode.PartialContent)
        {
            // It does not do ranges: what is here already is read over.
            var skipped = new byte[64 * 1024];
            for (var left = _position; left > 0;)
            {
                _stall.CancelAfter(StallTime);
                var read = await content.ReadAsync(skipped.AsMemory(0, (int)Math.Min(skipped.Length, left)), _stall.Token).ConfigureAwait(false);
                left -= read > 0 ? read : throw new IOException("it became shorter");
            }
        }
        return content;
    }

    private void Finish()
    {
        _atEnd = true;
        Disconnect();
        if (blob.Digest != "sha256:" + Convert.ToHexStringLower(_hash.GetCurrentHash()))
        {
            throw new ImageException($"the registry sent something else than {blob.Digest}");
        }
    }

    private void Disconnect()
    {
        _content?.Dispose();
        _answer?.Dispose();
        _stall?.Dispose();
        (_content, _answer, _stall) = (null, null, null);
    }

    protected override void Dispose(bool disposing)
    {
        Disconnect();
        _hash.Dispose();
        base.Dispose(disposing);
    }
}
