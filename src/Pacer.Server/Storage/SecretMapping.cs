using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

/// <summary>Secrets as rows: sealed, like everywhere outside of a launch.</summary>
internal static class SecretMapping
{
    public static SecretRecord ToRecord(SealedSecret secret) => new()
    {
        Name = secret.Name,
        Sealed = secret.Sealed,
        Version = secret.Version.UnixMilliseconds,
    };

    public static SealedSecret ToModel(SecretRecord record) => new(record.Name, record.Sealed, new Timestamp(record.Version));
}
