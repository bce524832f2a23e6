namespace Pacer.Contracts.Wire;

/// <summary>A stored secret, as far as it is shown: its content never is.</summary>
public sealed class SecretInfo
{
    public required string Name { get; set; }

    /// <summary>When its content was last set.</summary>
    public required string Version { get; set; }
}

public sealed class SecretList
{
    public required List<SecretInfo> Secrets { get; set; }
}
