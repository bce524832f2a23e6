namespace Pacer.Server.Secrets;

/// <summary>Names of secrets: paths such as <c>db/password</c>.</summary>
internal static class SecretName
{
    public const int MaxLength = 256;

    /// <summary>The name without slashes around it, or what is wrong with it.</summary>
    public static string? Normalize(string text, out string? problem)
    {
        var name = text.Trim('/');
        problem = name.Length == 0 ? "a secret needs a name, such as db/password"
            : name.Length > MaxLength ? $"the name of a secret has at most {MaxLength} characters"
            : name.Split('/').Any(segment => segment.Length == 0 || segment is "." or ".." || segment.AsSpan().ContainsAnyExcept(Allowed))
                ? "the name of a secret is made of letters, digits, '.', '_' and '-', with '/' between its parts, such as db/password"
                : null;
        return problem is null ? name : null;
    }

    private const string Allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
}
