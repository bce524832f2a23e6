using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("group", "Deploy and change several apps as one")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            GroupAddCommand.Create(surroundings),
            GroupListCommand.Create(surroundings),
            GroupShowCommand.Create(surroundings),
            GroupUpdateCommand.Create(surroundings),
            GroupScaleCommand.Create(surroundings),
            GroupRemoveCommand.Create(surroundings),
        },
    };

    /// <summary>The id as the API writes it.</summary>
    public static string FullId(string id) => "/" + id.Trim('/');

    /// <summary>The path of a group's resource; that of the root for "/".</summary>
    public static string Path(string id) => ("v2/groups/" + ApiClient.EscapeId(id)).TrimEnd('/');
}
