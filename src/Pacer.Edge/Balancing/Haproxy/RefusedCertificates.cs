using System.Text.RegularExpressions;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Certificates that HAProxy refuses, such as those with short keys. One is left out until its file changes, and its names have the standard one. Safe for many threads.</summary>
internal sealed partial class RefusedCertificates
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _reasons = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<BalancerWarning> _warnings = [];
    private HaproxyCertificates _known = HaproxyCertificates.None;

    public IReadOnlyList<BalancerWarning> Warnings => _warnings;

    /// <summary>Leaves out the certificate that a problem is about; false when it is about none, or that is out already.</summary>
    /// <param name="problem">What HAProxy says of the configuration.</param>
    public bool TryAdd(HaproxyConfiguration configuration, string problem)
    {
        var file = FileName().Match(problem);
        lock (_lock)
        {
            return file.Success && configuration.Files.TryGetValue(file.Value, out var pem) && _known.FileOf(pem) is not null && _reasons.TryAdd(pem, Place().Replace(problem, "").Trim().TrimEnd('.'));
        }
    }

    /// <summary>Those that HAProxy does not refuse.</summary>
    public HaproxyCertificates Accepted(HaproxyCertificates certificates)
    {
        lock (_lock)
        {
            _known = certificates;
            var files = _reasons.Keys.Select(pem => (Pem: pem, File: certificates.FileOf(pem))).ToList();
            foreach (var (pem, _) in files.Where(certificate => certificate.File is null))
            {
                _reasons.Remove(pem);
            }
            _warnings = [.. files.Where(certificate => certificate.File is not null)
                .Select(certificate => new BalancerWarning("", null, $"The certificate in {certificate.File} can't be used: HAProxy refuses it: {_reasons[certificate.Pem]}."))];
            return certificates.Without(_reasons.Keys.ToHashSet(StringComparer.Ordinal));
        }
    }

    [GeneratedRegex("certificate-[0-9a-f]{16}\\.pem")]
    private static partial Regex FileName();

    /// <summary>Where in our files it is, which is nobody's business.</summary>
    [GeneratedRegex(@"parsing \[[^\]]*\] *:? *|'bind [^']*' in section '[^']*' *: *|'crt-list' *: *|error processing line \d+ in file '[^']*' *: *| '[^']*certificate-[0-9a-f]{16}\.pem'")]
    private static partial Regex Place();
}
