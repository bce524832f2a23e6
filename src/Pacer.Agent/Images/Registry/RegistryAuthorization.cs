using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Pacer.Agent.Images.Registry;

/// <summary>Gets and keeps what a registry accepts: a name and password, or a token of the service that it names.</summary>
internal sealed class RegistryAuthorization
{
    private const int MostTokenBytes = 1 << 20;

    private readonly ConcurrentDictionary<string, AuthenticationHeaderValue> _known = new(StringComparer.Ordinal);

    public AuthenticationHeaderValue? Known(Uri endpoint, string repository, RegistryLogin? login) =>
        _known.GetValueOrDefault(Key(endpoint, repository, login));

    /// <summary>Answers a challenge; null when it can't be.</summary>
    /// <exception cref="ImageException">The token service refuses.</exception>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(
        HttpClient http, Uri endpoint, string repository, RegistryLogin? login, RegistryChallenge challenge, CancellationToken cancellationToken)
    {
        var header = challenge.IsBearer
            ? await TokenAsync(http, repository, login, challenge, cancellationToken).ConfigureAwait(false)
            : login is { User.Length: > 0 } ? Basic(login) : null;
        if (header is not null)
        {
            _known[Key(endpoint, repository, login)] = header;
        }
        return header;
    }

    private static async Task<AuthenticationHeaderValue?> TokenAsync(
        HttpClient http, string repository, RegistryLogin? login, RegistryChallenge challenge, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(challenge.Realm, UriKind.Absolute, out var realm) || realm.Scheme is not ("http" or "https"))
        {
            return null;
        }
        var scope = challenge.Scope.Length > 0 ? challenge.Scope : $"repository:{repository}:pull";
        using var request = login?.IdentityToken is { } identity
            ? new HttpRequestMessage(HttpMethod.Post, realm)
            {
                Content = new FormUrlEncodedContent(
                [
                    new("grant_type", "refresh_token"), new("refresh_token", identity), new("service", challenge.Service),
                    new("scope", scope), new("client_id", "pacer"),
                ]),
            }
            : new HttpRequestMessage(HttpMethod.Get, WithQuery(realm, challenge.Service, scope));
        if (login is { IdentityToken: null })
        {
            request.Headers.Authorization = Basic(login);
        }
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest)
        {
            throw new ImageException(login is null
                ? $"{realm.Host} gives no access without a login"
                : $"{realm.Host} does not accept the login of user '{login.User}'");
        }
        answer.EnsureSuccessStatusCode();
        var body = await RegistryClient.ReadLimitedAsync(answer.Content, MostTokenBytes, cancellationToken).ConfigureAwait(false);
        try
        {
            using var json = JsonDocument.Parse(body);
            foreach (var name in (ReadOnlySpan<string>)["token", "access_token"])
            {
                if (json.RootElement.TryGetProperty(name, out var token) && token.GetString() is { Length: > 0 } text)
                {
                    return new AuthenticationHeaderValue("Bearer", text);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
        }
        throw new ImageException($"{realm.Host} answered without a token");
    }

    private static Uri WithQuery(Uri realm, string service, string scope)
    {
        var query = $"scope={Uri.EscapeDataString(scope)}" + (service.Length > 0 ? $"&service={Uri.EscapeDataString(service)}" : "");
        return new UriBuilder(realm) { Query = realm.Query.Length > 1 ? realm.Query[1..] + "&" + query : query }.Uri;
    }

    private static AuthenticationHeaderValue Basic(RegistryLogin login) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.User}:{login.Password}")));

    private static string Key(Uri endpoint, string repository, RegistryLogin? login) => $"{endpoint} {repository} {login}";
}
