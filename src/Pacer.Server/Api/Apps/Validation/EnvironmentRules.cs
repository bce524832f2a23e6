using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>Environments, and the secrets that they name.</summary>
internal static class EnvironmentRules
{
    public static void Validate(
        Dictionary<string, EnvironmentValue>? environment, Dictionary<string, SecretSource>? secrets, AppRules rules, string path, ErrorCollector errors)
    {
        foreach (var (name, value) in environment ?? [])
        {
            errors.Require(name.Length > 0, path, "must not contain an empty name");
            errors.Require(!name.Contains('=') && !name.Contains('\0'), $"{path}/{name}", "a name must not contain '=' or a NUL character");
            errors.Require(value.Text?.Contains('\0') != true, $"{path}/{name}", "must not contain a NUL character");
            if (value.Secret is { } secret)
            {
                AppValidator.RequireFeature(rules, AppRules.Secrets, $"{path}/{name}", errors);
                errors.Require(secrets?.ContainsKey(secret) == true, $"{path}/{name}/secret",
                    $"references an undefined secret '{secret}'; define it in secrets");
            }
        }
    }

    public static void ValidateSecrets(Dictionary<string, SecretSource>? secrets, RunSpecId reader, AppRules rules, ErrorCollector errors)
    {
        foreach (var (name, secret) in secrets ?? [])
        {
            AppValidator.RequireFeature(rules, AppRules.Secrets, "/secrets", errors);
            errors.Require(name.Length > 0, "/secrets", "must not contain an empty name");
            errors.Require(!string.IsNullOrEmpty(secret.Source), $"/secrets/{name}/source", "must not be empty");
            SecretRules.Check(secret.Source, reader, $"/secrets/{name}/source", errors);
        }
    }
}
