namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Certificates with their keys, as PEM text.</summary>
/// <param name="Standard">For names that no other is good for.</param>
/// <param name="Named">Those of the directory; of several that are good for a name the first is taken.</param>
/// <param name="OfFiles">Those that a label names, which can be read.</param>
/// <param name="Covers">Whether one of the directory is good for a name.</param>
internal sealed record HaproxyCertificates(string Standard, IReadOnlyList<string> Named, Func<IReadOnlyList<string>, IReadOnlyList<string>> OfFiles, Func<string, bool> Covers)
{
    public static readonly HaproxyCertificates None = new("", [], _ => [], _ => false);

    /// <summary>For names that no other is good for, when nobody provides one.</summary>
    public string Own { get; init; } = "";

    /// <summary>The file that holds such a text; null: none does.</summary>
    public Func<string, string?> FileOf { get; init; } = _ => null;

    /// <summary>Changes with the files.</summary>
    public string Key { get; init; } = "";

    public HaproxyCertificates Without(IReadOnlySet<string> refused) => refused.Count == 0 ? this : this with
    {
        Standard = refused.Contains(Standard) ? Own : Standard,
        Named = [.. Named.Where(pem => !refused.Contains(pem))],
        OfFiles = files => [.. OfFiles(files).Where(pem => !refused.Contains(pem))],
    };
}
