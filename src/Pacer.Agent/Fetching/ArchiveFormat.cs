using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;

namespace Pacer.Agent.Fetching;

/// <summary>How a file is packed, told by the end of its name, as in Mesos.</summary>
internal sealed record ArchiveFormat(ArchiveFormat.Packing Compression, bool IsTar, bool IsZip)
{
    internal enum Packing { None, Gzip, Bzip2, Xz }

    private static readonly (string Suffix, ArchiveFormat Format)[] Known =
    [
        (".tar.gz", new(Packing.Gzip, true, false)),
        (".tgz", new(Packing.Gzip, true, false)),
        (".tar.bz2", new(Packing.Bzip2, true, false)),
        (".tbz2", new(Packing.Bzip2, true, false)),
        (".tar.xz", new(Packing.Xz, true, false)),
        (".txz", new(Packing.Xz, true, false)),
        (".tar", new(Packing.None, true, false)),
        (".gz", new(Packing.Gzip, false, false)),
        (".zip", new(Packing.None, false, true)),
    ];

    /// <summary>Null: not an archive.</summary>
    public static ArchiveFormat? Of(string name)
    {
        foreach (var (suffix, format) in Known)
        {
            if (name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && name.Length > suffix.Length)
            {
                return format;
            }
        }
        return null;
    }

    /// <summary>Unpacks into a directory. Throws <see cref="IOException"/> with a message for people.</summary>
    public async Task ExtractAsync(string archive, string name, string directory, CancellationToken cancellationToken)
    {
        try
        {
            if (IsZip)
            {
                await ZipExtraction.ExtractAsync(archive, directory, cancellationToken).ConfigureAwait(false);
                return;
            }
            await using var file = new FileStream(archive, FileMode.Open, FileAccess.Read, FileShare.Read, 64 * 1024, useAsync: true);
            switch (Compression)
            {
                case Packing.Bzip2:
                    await WithProgramAsync("bzip2", "bzip2", archive, directory, cancellationToken).ConfigureAwait(false);
                    break;
                case Packing.Xz:
                    await WithProgramAsync("xz", "xz-utils", archive, directory, cancellationToken).ConfigureAwait(false);
                    break;
                case Packing.Gzip when IsTar:
                    await using (var plain = new GZipStream(file, CompressionMode.Decompress))
                    {
                        await TarExtraction.ExtractAsync(plain, directory, cancellationToken).ConfigureAwait(false);
                    }
                    break;
                case Packing.Gzip:
                    await using (var plain = new GZipStream(file, CompressionMode.Decompress))
                    await using (var target = Extraction.CreateFile(directory, name[..^".gz".Length]))
                    {
                        await plain.CopyToAsync(target, cancellationToken).ConfigureAwait(false);
                    }
                    break;
                default:
                    await TarExtraction.ExtractAsync(file, directory, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new IOException($"the archive is damaged ({e.Message})", e);
        }
    }

    /// <summary>The base library has neither bzip2 nor xz; their programs are on nearly every machine.</summary>
    private static async Task WithProgramAsync(string program, string package, string archive, string directory, CancellationToken cancellationToken)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, ["-dc", "--", archive]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw new IOException($"the program '{program}' is missing on the node; install the package {package}", e);
        }
        try
        {
            var complaints = process.StandardError.ReadToEndAsync(cancellationToken);
            try
            {
                await TarExtraction.ExtractAsync(process.StandardOutput.BaseStream, directory, cancellationToken).ConfigureAwait(false);
                await process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException or TarExtraction.EmptyArchiveException)
            {
                await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
                throw new IOException(process.ExitCode == 0 ? $"the archive is damaged ({e.Message})" : (await complaints.ConfigureAwait(false)).Trim(), e);
            }
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new IOException((await complaints.ConfigureAwait(false)).Trim());
            }
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
