using System.Formats.Tar;

namespace Pacer.Agent.Fetching;

internal static class TarExtraction
{
    /// <summary>Throws <see cref="IOException"/> for an entry that leads out of the directory or is a device.</summary>
    public static async Task ExtractAsync(Stream tar, string directory, CancellationToken cancellationToken)
    {
        var entries = 0;
        await using var reader = new TarReader(tar, leaveOpen: true);
        while (await reader.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
        {
            entries++;
            switch (entry.EntryType)
            {
                case TarEntryType.Directory or TarEntryType.DirectoryList:
                    Extraction.CreateDirectory(directory, entry.Name, entry.Mode);
                    break;
                case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                    await using (var file = Extraction.CreateFile(directory, entry.Name))
                    {
                        if (entry.DataStream is { } data)
                        {
                            await data.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
                        }
                        Extraction.SetFileMode(file, entry.Mode);
                    }
                    break;
                case TarEntryType.SymbolicLink:
                    Extraction.CreateSymbolicLink(directory, entry.Name, entry.LinkName);
                    break;
                case TarEntryType.HardLink:
                    Extraction.CreateHardLink(directory, entry.Name, entry.LinkName);
                    break;
                case TarEntryType.GlobalExtendedAttributes or TarEntryType.ExtendedAttributes:
                    break;
                default:
                    throw new IOException($"the archive's entry '{entry.Name}' is neither a file, a directory nor a link");
            }
        }
        if (entries == 0)
        {
            throw new EmptyArchiveException();
        }
    }

    /// <summary>Nothing in it: most likely not a tar archive at all, such as an error page.</summary>
    public sealed class EmptyArchiveException() : IOException("the archive is empty");
}
