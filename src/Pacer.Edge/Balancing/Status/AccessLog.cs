using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Status;

/// <param name="Request">The request's first line.</param>
/// <param name="Length">Of the answer's body; null: not known before its end.</param>
internal readonly record struct AccessLine(string Request, string? Host, int Status, long? Length);

/// <summary>
/// A line for each request, in the order of the common log format and then backend, server and milliseconds. The file is opened for each
/// batch, so it may be moved away at any time.
/// </summary>
internal sealed class AccessLog : IAsyncDisposable
{
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(100_000) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly string _file;
    private readonly Task _writing;

    public AccessLog(string file)
    {
        _file = file;
        if (file != "-")
        {
            using var _ = Open(); // a wrong path is said at the start
        }
        _writing = Task.Run(WriteAsync);
    }

    public void Write(HttpContext http, Arrival arrival, Pool? pool, PoolServer? server, TimeSpan took)
    {
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        Write(http.Connection.RemoteIpAddress, new AccessLine($"{http.Request.Method} {target} {http.Request.Protocol}", http.Request.Host.Value, http.Response.StatusCode, http.Response.ContentLength), arrival, pool, server, took);
    }

    public void Write(IPAddress? client, AccessLine line, Arrival arrival, Pool? pool, PoolServer? server, TimeSpan took)
    {
        _lines.Writer.TryWrite(string.Create(CultureInfo.InvariantCulture,
            $"{client} - - [{DateTime.UtcNow:dd/MMM/yyyy:HH:mm:ss} +0000] \"{Clean(line.Request)}\" {line.Status} {line.Length?.ToString(CultureInfo.InvariantCulture) ?? "-"} {Clean(line.Host)}:{arrival.Port} {pool?.Backend.Name ?? "-"} {server?.Server.Name ?? "-"} {took.TotalMilliseconds:0.0}"));
    }

    /// <summary>A line that another data path made.</summary>
    public void Write(string line) => _lines.Writer.TryWrite(line);

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing;
    }

    private async Task WriteAsync()
    {
        while (await _lines.Reader.WaitToReadAsync())
        {
            try
            {
                await using var output = _file == "-" ? Console.OpenStandardOutput() : Open();
                await using var text = new StreamWriter(output, new UTF8Encoding(false));
                while (_lines.Reader.TryRead(out var line))
                {
                    await text.WriteAsync(line + "\n");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The disk is full, or the directory is gone: requests matter more than lines about them.
                await Task.Delay(1000);
            }
        }
    }

    private FileStream Open() => new(_file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    // A client must not be able to write lines of its own.
    private static string Clean(string? text) => text is null ? "" : text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && !text.Contains('"')
        ? text : new string([.. text.Select(c => c < ' ' || c == '"' ? '_' : c)]);
}
