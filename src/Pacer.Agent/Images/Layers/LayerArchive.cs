using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Pacer.Agent.Images.Layers;

/// <summary>Unpacks a layer as it comes from the registry: tar, gzip or zstd, told by its first bytes.</summary>
internal static class LayerArchive
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>
    /// Reads the archive to its end into a fresh directory, and compares what was unpacked with its digest. Returns the bytes that it
    /// takes on disk. Throws <see cref="ImageException"/> and <see cref="IOException"/>.
    /// </summary>
    public static async Task<long> UnpackAsync(Stream archive, string diffId, string directory, CancellationToken cancellationToken)
    {
        var start = new byte[4];
        var length = await archive.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        var whole = new PrefixedStream(start.AsMemory(0, length), archive);
        try
        {
            return start switch
            {
                [0x1F, 0x8B, ..] => await UnpackGzipAsync(whole, diffId, directory, cancellationToken).ConfigureAwait(false),
                [0x28, 0xB5, 0x2F, 0xFD] => await UnpackZstdAsync(whole, diffId, directory, cancellationToken).ConfigureAwait(false),
                _ => await UnpackTarAsync(whole, diffId, directory, cancellationToken).ConfigureAwait(false),
            };
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new ImageException($"its layer {diffId} is damaged: {e.Message}", e);
        }
    }

    private static async Task<long> UnpackGzipAsync(Stream archive, string diffId, string directory, CancellationToken cancellationToken)
    {
        var plain = new GZipStream(archive, CompressionMode.Decompress, leaveOpen: true);
        await using (plain.ConfigureAwait(false))
        {
            var bytes = await UnpackTarAsync(plain, diffId, directory, cancellationToken).ConfigureAwait(false);
            // To the very end: only then the blob's own digest is known.
            await archive.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            return bytes;
        }
    }

    private static async Task<long> UnpackTarAsync(Stream plain, string diffId, string directory, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var hashing = new HashingStream(plain, hash);
        var buffered = new BufferedStream(hashing, BufferBytes);
        await using (buffered.ConfigureAwait(false))
        {
            using var writer = new LayerWriter(directory);
            var tar = new TarReader(buffered, leaveOpen: true);
            await using (tar.ConfigureAwait(false))
            {
                while (await tar.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
                {
                    await writer.WriteAsync(entry, cancellationToken).ConfigureAwait(false);
                }
            }
            await buffered.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            writer.Finish();
            return diffId == "sha256:" + Convert.ToHexStringLower(hash.GetCurrentHash())
                ? writer.Bytes
                : throw new ImageException($"its layer {diffId} unpacks to something else than its configuration says");
        }
    }

    /// <summary>The base library has no zstd; its program is on most machines.</summary>
    private static async Task<long> UnpackZstdAsync(Stream archive, string diffId, string directory, CancellationToken cancellationToken)
    {
        using var program = new Process
        {
            StartInfo = new ProcessStartInfo("zstd", ["-dc", "--long=31", "-q"])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        try
        {
            program.Start();
        }
        catch (Win32Exception e)
        {
            throw new ImageException("its layers are packed with zstd, and the program 'zstd' is missing on the node; install the package zstd", e);
        }
        try
        {
            var complaints = program.StandardError.ReadToEndAsync(cancellationToken);
            var feeding = FeedAsync(archive, program, cancellationToken);
            long bytes;
            try
            {
                bytes = await UnpackTarAsync(program.StandardOutput.BaseStream, diffId, directory, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is ImageException or InvalidDataException or EndOfStreamException)
            {
                // A transfer that broke off is the cause, and what could then not be read the effect.
                if (feeding.IsFaulted)
                {
                    await feeding.ConfigureAwait(false);
                }
                throw;
            }
            await feeding.ConfigureAwait(false);
            await program.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return program.ExitCode == 0
                ? bytes
                : throw new ImageException($"its layer {diffId} is damaged: {(await complaints.ConfigureAwait(false)).Trim()}");
        }
        finally
        {
            if (!program.HasExited)
            {
                program.Kill();
            }
        }
    }

    private static async Task FeedAsync(Stream archive, Process program, CancellationToken cancellationToken)
    {
        try
        {
            await archive.CopyToAsync(program.StandardInput.BaseStream, BufferBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            program.StandardInput.Close();
        }
    }
}
