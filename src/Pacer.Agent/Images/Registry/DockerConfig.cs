using System.Text;
using System.Text.Json;

namespace Pacer.Agent.Images.Registry;

/// <summary>Name and password for a registry; with <paramref name="IdentityToken"/> that counts instead.</summary>
internal sealed record RegistryLogin(string User, string Password, string? IdentityToken);

/// <summary>
/// Logins from texts in the form of Docker's <c>config.json</c> (or the older <c>.dockercfg</c>, the same without <c>auths</c> around
/// it), the most specific first. Pure.
/// </summary>
internal sealed class DockerConfig
{
    public static readonly DockerConfig None = new([]);

    private readonly List<(string Registry, RegistryLogin Login)> _logins;

    private DockerConfig(List<(string, RegistryLogin)> logins) => _logins = logins;

    /// <summary>Tells two sets of logins apart; null: there are none.</summary>
    public string? Identity => _logins.Count == 0
        ? null
        : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
            Encoding.UTF8.GetBytes(string.Join('\n', _logins.Select(entry => $"{entry.Registry} {entry.Login.User} {entry.Login.Password} {entry.Login.IdentityToken}")))));

    /// <exception cref="ImageException">Not such a file; the message does not repeat what is in it.</exception>
    public static DockerConfig Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var root = document.RootElement;
            var auths = root.TryGetProperty("auths", out var found) ? found : root;
            var logins = new List<(string, RegistryLogin)>();
            foreach (var entry in auths.EnumerateObject())
            {
                if (entry.Value.ValueKind == JsonValueKind.Object && Login(entry.Value) is { } login)
                {
                    logins.Add((HostOf(entry.Name), login));
                }
            }
            return new DockerConfig(logins);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new ImageException($"{source} is not in the form of Docker's config.json");
        }
    }

    /// <summary>These logins, and those of <paramref name="other"/> for registries that these don't name.</summary>
    public DockerConfig Then(DockerConfig other) => other._logins.Count == 0 ? this : new([.. _logins, .. other._logins]);

    public RegistryLogin? For(string registry)
    {
        var host = HostOf(registry);
        return _logins.FirstOrDefault(entry => string.Equals(entry.Registry, host, StringComparison.OrdinalIgnoreCase)).Login;
    }

    private static RegistryLogin? Login(JsonElement entry)
    {
        var (user, password) = (Text(entry, "username"), Text(entry, "password"));
        if (Text(entry, "auth") is { Length: > 0 } auth)
        {
            var both = Encoding.UTF8.GetString(Convert.FromBase64String(auth)).TrimEnd('\0');
            var colon = both.IndexOf(':');
            if (colon > 0)
            {
                (user, password) = (both[..colon], both[(colon + 1)..]);
            }
        }
        var token = Text(entry, "identitytoken");
        return user.Length > 0 || token.Length > 0 ? new RegistryLogin(user, password, token.Length > 0 ? token : null) : null;
    }

    // "https://index.docker.io/v1/" is how `docker login` files Docker Hub.
    private static string HostOf(string name)
    {
        var scheme = name.IndexOf("://", StringComparison.Ordinal);
        var host = scheme < 0 ? name : name[(scheme + 3)..];
        host = host.IndexOf('/') is var slash and >= 0 ? host[..slash] : host;
        return host is "index.docker.io" or "registry-1.docker.io" or "hub.docker.com" ? ImageName.DockerHub : host;
    }

    private static string Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
