using Pacer.Core.Model;
using Pacer.Server.Api.Json;
using Pacer.Server.Secrets;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>Which secrets a run spec may name. Whether they are stored is seen at launch: they may be put later.</summary>
internal static class SecretRules
{
    public static void Check(string? source, RunSpecId reader, string path, ErrorCollector errors)
    {
        if (string.IsNullOrEmpty(source) || SecretStore.IsFile(source))
        {
            return;
        }
        var name = SecretName.Normalize(source, out var problem);
        errors.Require(name is not null, path, problem ?? "");
        if (name is not null)
        {
            errors.Require(SealedSecret.IsAccessible(name, reader), path,
                $"the secret '{name}' is not accessible from {reader}: it is for what lies in /{name[..Math.Max(0, name.LastIndexOf('/'))]}");
        }
    }
}
