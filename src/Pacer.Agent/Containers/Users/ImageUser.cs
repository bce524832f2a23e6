namespace Pacer.Agent.Containers.Users;

/// <summary>A user as images write it, <c>NAME|UID[:GROUP|GID]</c>, looked up in the image's own files. Pure.</summary>
internal static class ImageUser
{
    /// <summary>Null: no such user or group. An empty text is root. A uid without an entry has group 0, as Docker has it.</summary>
    public static ContainerUser? Find(UserDatabase database, string text)
    {
        var colon = text.IndexOf(':');
        var (name, group) = colon < 0 ? (text, "") : (text[..colon], text[(colon + 1)..]);
        var user = database.Find(name.Length == 0 ? "0" : name);
        if (user is { Name: null })
        {
            user = user with { Gid = 0 };
        }
        if (user is null || group.Length == 0)
        {
            return user;
        }
        // A group that is named replaces all that the image's files give the user.
        return database.FindGroup(group) is { } gid ? user with { Gid = gid, Groups = [] } : null;
    }
}
