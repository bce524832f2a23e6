using System.Text.RegularExpressions;

namespace Pacer.Agent.Images;

/// <summary>
/// The name of an image as <c>docker pull</c> takes it: <c>[REGISTRY/]REPOSITORY[:TAG][@DIGEST]</c>. Without a registry it is Docker Hub's,
/// without tag and digest the tag is <c>latest</c>; with both, the digest counts.
/// </summary>
/// <param name="Registry">Host and maybe port, such as <c>docker.io</c> or <c>registry.local:5000</c>.</param>
/// <param name="Repository">Path in the registry, lower case: <c>library/busybox</c>.</param>
/// <param name="Digest">Null unless given: <c>sha256:…</c>.</param>
internal sealed partial record ImageName(string Registry, string Repository, string Tag, string? Digest)
{
    public const string DockerHub = "docker.io";

    /// <summary>What a registry is asked for: the digest, else the tag.</summary>
    public string Reference => Digest ?? Tag;

    /// <summary>One spelling for all names of the same thing.</summary>
    public override string ToString() => Digest is null ? $"{Registry}/{Repository}:{Tag}" : $"{Registry}/{Repository}@{Digest}";

    /// <exception cref="ImageException">It is no image name.</exception>
    public static ImageName Parse(string text)
    {
        var rest = text.Trim();
        // As Docker's client and the UCR allow it.
        if (rest.StartsWith("docker://", StringComparison.Ordinal))
        {
            rest = rest["docker://".Length..];
        }
        string? digest = null;
        if (rest.IndexOf('@') is var at and >= 0)
        {
            digest = rest[(at + 1)..];
            rest = rest[..at];
            if (!DigestPattern().IsMatch(digest))
            {
                throw Invalid(text, $"'{digest}' is not a digest such as sha256: and 64 hexadecimal digits");
            }
        }
        var tag = "latest";
        if (rest.LastIndexOf(':') is var colon && colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (!TagPattern().IsMatch(tag))
            {
                throw Invalid(text, $"'{tag}' is not a tag");
            }
        }
        var registry = DockerHub;
        if (rest.IndexOf('/') is var slash and > 0 && (rest.AsSpan(0, slash).ContainsAny('.', ':') || rest[..slash] == "localhost"))
        {
            registry = rest[..slash];
            rest = rest[(slash + 1)..];
            if (registry is "index.docker.io" or "registry-1.docker.io")
            {
                registry = DockerHub;
            }
        }
        if (!HostPattern().IsMatch(registry))
        {
            throw Invalid(text, $"'{registry}' is not a registry's host");
        }
        if (!RepositoryPattern().IsMatch(rest) || rest.Length > 255)
        {
            throw Invalid(text, "a repository has lower case letters, digits, '.', '_', '-' and '/'");
        }
        return new ImageName(registry, registry == DockerHub && !rest.Contains('/') ? "library/" + rest : rest, tag, digest);
    }

    private static ImageException Invalid(string text, string why) => new($"'{text}' is not the name of an image: {why}");

    [GeneratedRegex(@"^sha256:[0-9a-f]{64}\z")]
    private static partial Regex DigestPattern();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?\z")]
    private static partial Regex HostPattern();

    [GeneratedRegex(@"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z")]
    private static partial Regex RepositoryPattern();
}
