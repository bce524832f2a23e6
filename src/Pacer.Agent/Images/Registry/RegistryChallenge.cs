using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Pacer.Agent.Images.Registry;

/// <summary>What a registry asks for in WWW-Authenticate. Pure.</summary>
/// <param name="Realm">Of a token service; empty for Basic.</param>
internal sealed partial record RegistryChallenge(bool IsBearer, string Realm, string Service, string Scope)
{
    /// <summary>The first challenge that is understood; null: none.</summary>
    public static RegistryChallenge? Of(IEnumerable<AuthenticationHeaderValue> headers)
    {
        RegistryChallenge? basic = null;
        foreach (var header in headers)
        {
            if (header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                basic = new(false, "", "", "");
            }
            else if (header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                var parameters = Parameter().Matches(header.Parameter ?? "").ToDictionary(
                    match => match.Groups[1].Value.ToLowerInvariant(),
                    match => match.Groups[2].Success ? match.Groups[2].Value.Replace("\\\"", "\"", StringComparison.Ordinal) : match.Groups[3].Value,
                    StringComparer.Ordinal);
                return new(true, parameters.GetValueOrDefault("realm", ""), parameters.GetValueOrDefault("service", ""), parameters.GetValueOrDefault("scope", ""));
            }
        }
        return basic;
    }

    [GeneratedRegex("""([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))""")]
    private static partial Regex Parameter();
}
