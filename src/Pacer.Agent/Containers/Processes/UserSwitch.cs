using System.Globalization;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Processes;

/// <summary>Turns a command into one that runs as another user, by util-linux' setpriv.</summary>
internal static class UserSwitch
{
    /// <summary>The words to put before the command (none when it is the agent's own user), or why it is impossible.</summary>
    public static (IReadOnlyList<string> Prefix, string? Problem) To(string? user)
    {
        if (user is null)
        {
            return ([], null);
        }

        var own = Libc.GetUid();
        if (UserDatabase.OfHost().Find(user) is not { } found)
        {
            return ([], $"user '{user}' does not exist on this node");
        }

        if (found.Uid == own)
        {
            return ([], null);
        }

        if (own != 0)
        {
            return ([], $"user '{user}' needs an agent that runs as root; this one runs as uid {own}");
        }

        return OciTools.Find("setpriv") is { } setpriv
            ? ([setpriv, .. Options(found), "--"], null)
            : ([], $"user '{user}' needs setpriv on the node; `apt-get install util-linux`");
    }

    private static IReadOnlyList<string> Options(ContainerUser user) =>
    [
        "--reuid", user.Uid.ToString(CultureInfo.InvariantCulture),
        "--regid", user.Gid.ToString(CultureInfo.InvariantCulture),
        .. user.Groups.Count == 0 ? (string[])["--clear-groups"] : ["--groups", string.Join(',', user.Groups)],
    ];
}
