using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pacer.Agent.ExternalVolumes;

/// <summary>
/// A driver that is a program: <c>PROGRAM mount</c> and <c>PROGRAM unmount</c> with the volume as JSON on standard input. <c>mount</c> prints
/// the path. What it says on standard error, when it ends with another code than 0, reaches the user.
/// </summary>
/// <param name="patience">After that it is ended and has failed.</param>
internal sealed class ProgramDriver(string program, TimeSpan patience) : IVolumeDriver
{
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromMinutes(2);

    private const int MostCharacters = 64 * 1024;
    private const int LongestMessage = 500;

    // What it leaves running (a file system in user space) may hold its outputs open.
    private static readonly TimeSpan AfterEnd = TimeSpan.FromSeconds(1);

    public string? Program => program;

    public async Task<string> MountAsync(VolumeRequest volume, CancellationToken cancellationToken)
    {
        var output = await RunAsync("mount", volume, cancellationToken).ConfigureAwait(false);
        var path = output.TrimEnd('\n', '\r', ' ');
        return !path.StartsWith('/') || path.Contains('\n') ? throw new VolumeException($"{program} mount did not print one absolute path, but '{Short(path)}'")
            : !Directory.Exists(path) ? throw new VolumeException($"{program} mount printed {path}, which is no directory of the node")
            : path;
    }

    public Task UnmountAsync(VolumeRequest volume, CancellationToken cancellationToken) => RunAsync("unmount", volume, cancellationToken);

    private async Task<string> RunAsync(string verb, VolumeRequest volume, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, [verb])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        using var process = Start(start);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        var output = new StringBuilder();
        var error = new StringBuilder();
        var reading = Task.WhenAll(ReadAsync(process.StandardOutput, output), ReadAsync(process.StandardError, error));
        try
        {
            await WriteAsync(process.StandardInput.BaseStream, volume, limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new VolumeException(string.Create(CultureInfo.InvariantCulture, $"{program} {verb} did not end within {patience.TotalSeconds:0.#} seconds"));
        }
        await reading.WaitAsync(AfterEnd, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return process.ExitCode == 0 ? Taken(output) : throw new VolumeException(
            Taken(error).Trim() is { Length: > 0 } said ? Short(said) : string.Create(CultureInfo.InvariantCulture, $"{program} {verb} ended with code {process.ExitCode}"));
    }

    private static async Task WriteAsync(Stream input, VolumeRequest volume, CancellationToken cancellationToken)
    {
        try
        {
            await using (input)
            {
                await input.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(volume, ExternalVolumeJson.Default.VolumeRequest), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // It does not read what it is told; its exit code says whether that matters.
        }
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder text)
    {
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            lock (text)
            {
                text.Append(buffer, 0, Math.Min(read, MostCharacters - text.Length));
            }
        }
    }

    private static string Taken(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static string Short(string text) => text.Length <= LongestMessage ? text : text[..LongestMessage] + "…";

    private Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw new VolumeException($"{program} can't be started: {e.Message}");
        }
    }
}
