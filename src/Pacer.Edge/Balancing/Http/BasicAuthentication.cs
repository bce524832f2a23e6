using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Asks for a name and a password. What was right once is remembered for as long as the label stays: hashes are slow on purpose.</summary>
internal sealed class BasicAuthentication
{
    private const int MostRemembered = 10_000;
    private readonly ConcurrentDictionary<(BasicAuth Auth, string Proof), bool> _right = new();

    /// <summary>False: the answer is written.</summary>
    public bool Admits(HttpContext http, BasicAuth auth)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && IsRight(header[6..].Trim(), auth))
        {
            return true;
        }
        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        http.Response.Headers.WWWAuthenticate = $"Basic realm=\"{new string([.. auth.Realm.Where(c => c is >= ' ' and < (char)127 and not '"' and not '\\')])}\"";
        return false;
    }

    private bool IsRight(string credentials, BasicAuth auth)
    {
        var proof = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(credentials)));
        if (_right.ContainsKey((auth, proof)))
        {
            return true;
        }
        string text;
        try
        {
            text = Encoding.UTF8.GetString(Convert.FromBase64String(credentials));
        }
        catch (FormatException)
        {
            return false;
        }
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || text[..colon] != auth.User || text.Contains('\0') || !Crypt.Verify(text[(colon + 1)..], auth.PasswordHash))
        {
            return false;
        }
        if (_right.Count >= MostRemembered)
        {
            _right.Clear();
        }
        _right[(auth, proof)] = true;
        return true;
    }
}
