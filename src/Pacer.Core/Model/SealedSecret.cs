namespace Pacer.Core.Model;

/// <summary>
/// A secret as it is stored: the core never sees its content. <see cref="Sealed"/> is encrypted text that only the server's key opens.
/// </summary>
/// <param name="Name">Path without a leading slash (<c>db/password</c>). Run specs of the group it lies in, and below, may use it.</param>
/// <param name="Version">When its content was last set.</param>
public sealed record SealedSecret(string Name, string Sealed, Timestamp Version)
{
    /// <summary>Whether the run spec may use a secret of this name: one at the top is for all, others are for their group.</summary>
    public static bool IsAccessible(string name, RunSpecId id)
    {
        var slash = name.LastIndexOf('/');
        return slash < 0 || id.IsInGroup("/" + name[..slash]) || id.Path == "/" + name[..slash];
    }
}
