using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pacer.Edge.Balancing.Haproxy;

namespace Pacer.Edge.Balancing.Tls;

/// <summary>
/// Certificates of a directory, each with its key in the same file or in one of the same name that ends in .key. Files that change are read
/// again; one that can't be read leaves what it was before in force.
/// </summary>
internal sealed class CertificateStore(string? directory, TimeProvider time)
{
    private sealed record Entry(string File, DateTime WrittenAt, SslStreamCertificateContext? Context, ImmutableArray<string> Names, DateTimeOffset NotAfter, string? Trouble)
    {
        /// <summary>Certificate, chain and key.</summary>
        public string Pem { get; init; } = "";
    }

    private readonly Lock _lock = new();
    private readonly Lazy<(SslStreamCertificateContext Context, string Pem)> _own = new(SelfSigned);
    private readonly Dictionary<string, Entry> _named = new(StringComparer.Ordinal);
    private volatile Dictionary<string, Entry> _entries = [];
    private volatile string? _trouble;

    /// <summary>What is wrong with files, in words for users.</summary>
    public IReadOnlyList<string> Troubles
    {
        get
        {
            var troubles = new List<string>();
            if (_trouble is { } trouble)
            {
                troubles.Add(trouble);
            }
            lock (_lock)
            {
                foreach (var entry in _entries.Values.Concat(_named.Values).OrderBy(entry => entry.File, StringComparer.Ordinal))
                {
                    if (entry.Trouble is not null)
                    {
                        troubles.Add(entry.Trouble);
                    }
                    else if (entry.NotAfter < time.GetUtcNow())
                    {
                        troubles.Add($"The certificate in {entry.File} has expired. Put a new one there; it is used at once.");
                    }
                }
            }
            return troubles;
        }
    }

    /// <summary>Files that hold a certificate, with the names that it is good for and its end.</summary>
    public IReadOnlyList<(string File, IReadOnlyList<string> Names, DateTimeOffset NotAfter)> Certificates =>
        [.. _entries.Values.Where(entry => entry.Context is not null).OrderBy(entry => entry.File, StringComparer.Ordinal).Select(entry => (entry.File, (IReadOnlyList<string>)entry.Names, entry.NotAfter))];

    /// <summary>Looks for files that are new, changed or gone.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            foreach (var (file, entry) in _named.ToList())
            {
                if (WrittenAt(file) != entry.WrittenAt)
                {
                    _named[file] = Read(file, entry);
                }
            }
        }
        if (directory is null)
        {
            return;
        }
        string[] files;
        try
        {
            files = Directory.GetFiles(directory);
            _trouble = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _trouble = $"The directory of certificates, {directory}, can't be read: {(e is DirectoryNotFoundException ? "there is none" : e.Message)}";
            return;
        }
        var before = _entries;
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var file in files.Where(file => Path.GetExtension(file) is ".pem" or ".crt" or ".cer").Order(StringComparer.Ordinal))
        {
            entries[file] = before.TryGetValue(file, out var known) && known.WrittenAt == WrittenAt(file) ? known : Read(file, known);
        }
        _entries = entries;
    }

    /// <summary>The certificate for a name that a client asks for; a self-signed one when none is good for it.</summary>
    public SslStreamCertificateContext For(string? name) => Find(name) ?? _entries.Values.OrderBy(entry => entry.File, StringComparer.Ordinal)
        .FirstOrDefault(entry => entry.Context is not null && Path.GetFileNameWithoutExtension(entry.File) == "default")?.Context ?? _own.Value.Context;

    public bool Covers(string host) => Find(host) is not null;

    /// <summary>The certificate of files that a label names; the first that is good for the name, or the first that can be read.</summary>
    public SslStreamCertificateContext For(IReadOnlyList<string> files, string? name)
    {
        Entry? first = null;
        foreach (var file in files)
        {
            var entry = Named(file);
            if (entry.Context is null)
            {
                continue;
            }
            if (name is not null && entry.Names.Any(pattern => Fits(pattern, name)))
            {
                return entry.Context;
            }
            first ??= entry;
        }
        return first?.Context ?? For(name);
    }

    /// <summary>All of them as text, for those who speak TLS elsewhere.</summary>
    public HaproxyCertificates AsText()
    {
        // Of several good ones that which holds longest comes first.
        var entries = _entries.Values.Where(entry => entry.Context is not null).OrderByDescending(entry => entry.NotAfter).ThenBy(entry => entry.File, StringComparer.Ordinal).ToList();
        var standard = entries.Find(entry => Path.GetFileNameWithoutExtension(entry.File) == "default");
        return new HaproxyCertificates(standard?.Pem ?? _own.Value.Pem, [.. entries.Where(entry => entry != standard).Select(entry => entry.Pem)],
            files => [.. files.Select(Named).Where(entry => entry.Context is not null).Select(entry => entry.Pem)], Covers)
        {
            Own = _own.Value.Pem,
            FileOf = pem => _entries.Values.Concat(NamedNow()).FirstOrDefault(entry => entry.Pem == pem)?.File,
            Key = string.Join('\n', _entries.Values.Concat(NamedNow()).Select(entry => $"{entry.File} {entry.WrittenAt.Ticks}").Order(StringComparer.Ordinal)),
        };
    }

    private Entry[] NamedNow()
    {
        lock (_lock)
        {
            return [.. _named.Values];
        }
    }

    /// <summary>Reads it if it was not yet.</summary>
    public void Touch(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            Named(file);
        }
    }

    private Entry Named(string file)
    {
        var path = Path.IsPathRooted(file) || directory is null ? Path.GetFullPath(file) : Path.Combine(directory, file);
        lock (_lock)
        {
            return _named.TryGetValue(path, out var entry) ? entry : _named[path] = Read(path, null);
        }
    }

    private SslStreamCertificateContext? Find(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return null;
        }
        Entry? best = null;
        var bestIsExact = false;
        foreach (var entry in _entries.Values)
        {
            if (entry.Context is null)
            {
                continue;
            }
            foreach (var pattern in entry.Names)
            {
                if (!Fits(pattern, name))
                {
                    continue;
                }
                var exact = !pattern.StartsWith('*');
                // Of several good ones that which holds longest: a renewed certificate beside the old.
                if (best is null || (exact && !bestIsExact) || (exact == bestIsExact && entry.NotAfter > best.NotAfter))
                {
                    (best, bestIsExact) = (entry, exact);
                }
            }
        }
        return best?.Context;
    }

    private static bool Fits(string pattern, string name) =>
        pattern.StartsWith("*.", StringComparison.Ordinal)
            ? name.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 && name.AsSpan(dot).Equals(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase)
            : pattern.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static DateTime WrittenAt(string file)
    {
        var key = Path.ChangeExtension(file, ".key");
        var written = File.GetLastWriteTimeUtc(file);
        return File.Exists(key) && File.GetLastWriteTimeUtc(key) is var other && other > written ? other : written;
    }

    private static Entry Read(string file, Entry? before)
    {
        var writtenAt = WrittenAt(file);
        try
        {
            var text = File.ReadAllText(file);
            var keyFile = Path.ChangeExtension(file, ".key");
            var keyText = text.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? text : File.Exists(keyFile) ? File.ReadAllText(keyFile)
                : throw new CryptographicException($"it has no key, and there is no {Path.GetFileName(keyFile)}");
            using var parsed = X509Certificate2.CreateFromPem(text, keyText);
            // Keys that live in memory only are not taken by every part of the TLS stack; after a round through PKCS #12 they are.
            var certificate = X509CertificateLoader.LoadPkcs12(parsed.Export(X509ContentType.Pkcs12), null);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            var others = new X509Certificate2Collection(chain.Where(other => other.Thumbprint != certificate.Thumbprint).ToArray());
            return new Entry(file, writtenAt, SslStreamCertificateContext.Create(certificate, others, offline: true), NamesOf(certificate), certificate.NotAfter, null)
            {
                Pem = ReferenceEquals(text, keyText) ? text : text.TrimEnd() + "\n" + keyText,
            };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            var reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                CryptographicException when e.Message.StartsWith("it has", StringComparison.Ordinal) => e.Message,
                CryptographicException or ArgumentException => "it does not hold a certificate and its key in PEM form, or they do not belong together",
                _ => "it may not be read",
            };
            var rest = before?.Context is null ? "" : " What it held before stays in use.";
            return new Entry(file, writtenAt, before?.Context, before?.Names ?? [], before?.NotAfter ?? DateTimeOffset.MaxValue, $"The certificate in {file} can't be used: {reason}.{rest}") { Pem = before?.Pem ?? "" };
        }
    }

    private static ImmutableArray<string> NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString()))).ToList();
        if (names.Count == 0 && certificate.GetNameInfo(X509NameType.DnsName, false) is { Length: > 0 } common)
        {
            names.Add(common);
        }
        return [.. names];
    }

    // As Marathon-LB does when it has no certificate.
    private static (SslStreamCertificateContext Context, string Pem) SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=*", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        var context = SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null), null, offline: true);
        return (context, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
    }
}
