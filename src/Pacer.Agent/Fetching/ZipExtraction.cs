using System.IO.Compression;
using System.Text;

namespace Pacer.Agent.Fetching;

internal static class ZipExtraction
{
    private const int FileTypeMask = 0xF000;
    private const int SymbolicLink = 0xA000;
    private const int LongestLinkTarget = 4096;

    /// <summary>Throws <see cref="IOException"/> for an entry that leads out of the directory.</summary>
    public static async Task ExtractAsync(string archive, string directory, CancellationToken cancellationToken)
    {
        using var zip = ZipFile.OpenRead(archive);
        foreach (var entry in zip.Entries)
        {
            // Made on Unix: the upper half holds st_mode; 0 when made elsewhere.
            var unixMode = (int)((uint)entry.ExternalAttributes >> 16);
            var mode = (UnixFileMode)(unixMode & 0x1FF);
            if (entry.FullName.EndsWith('/'))
            {
                Extraction.CreateDirectory(directory, entry.FullName, mode);
            }
            else if ((unixMode & FileTypeMask) == SymbolicLink && entry.Length <= LongestLinkTarget)
            {
                using var target = new StreamReader(entry.Open(), Encoding.UTF8);
                Extraction.CreateSymbolicLink(directory, entry.FullName, await target.ReadToEndAsync(cancellationToken).ConfigureAwait(false));
            }
            else
            {
                await using var file = Extraction.CreateFile(directory, entry.FullName);
                await using var content = entry.Open();
                await content.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
                Extraction.SetFileMode(file, mode);
            }
        }
    }
}
