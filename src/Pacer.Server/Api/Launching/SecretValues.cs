using System.Text;
using Google.Protobuf;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Server.Agents;
using Pacer.Server.Secrets;

namespace Pacer.Server.Api.Launching;

/// <summary>Finds the content of a secret by its source. Throws <see cref="LaunchRefusedException"/>.</summary>
internal delegate byte[] SecretReader(string source);

/// <summary>Puts the contents of secrets into an order, at the last moment: nowhere else are they in the clear.</summary>
internal static class SecretValues
{
    /// <param name="environment">Of the definition; entries that name a secret are looked up in <paramref name="secrets"/>.</param>
    public static void AddEnvironment(
        TaskSpec task, IReadOnlyDictionary<string, EnvironmentValue>? environment, IReadOnlyDictionary<string, SecretSource>? secrets, SecretReader read)
    {
        foreach (var (name, value) in environment ?? new Dictionary<string, EnvironmentValue>())
        {
            if (value.Secret is { } secret)
            {
                task.SecretEnvironment[name] = Text(secret, read(SourceOf(secret, secrets)));
            }
        }
    }

    /// <summary>The logins for a private registry that a pull secret holds; empty without one.</summary>
    public static ByteString PullLogins(PullConfig? pull, IReadOnlyDictionary<string, SecretSource>? secrets, SecretReader read) =>
        pull?.Secret is { } secret ? ByteString.CopyFrom(read(SourceOf(secret, secrets))) : ByteString.Empty;

    internal static string SourceOf(string secret, IReadOnlyDictionary<string, SecretSource>? secrets) =>
        secrets is not null && secrets.TryGetValue(secret, out var source) && source.Source is { Length: > 0 } path
            ? path
            : throw new LaunchRefusedException($"The secret '{secret}' has no source");

    private static string Text(string secret, byte[] content)
    {
        try
        {
            var text = Strict.GetString(content);
            return !text.Contains('\0')
                ? text
                : throw new LaunchRefusedException($"The secret '{secret}' holds a zero byte, which no environment variable can; mount it as a file");
        }
        catch (DecoderFallbackException)
        {
            throw new LaunchRefusedException($"The secret '{secret}' is no text, which an environment variable must be; mount it as a file");
        }
    }

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
