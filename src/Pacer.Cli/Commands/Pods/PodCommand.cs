using System.CommandLine;

namespace Pacer.Cli.Commands.Pods;

internal static class PodCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("pod", "Deploy, change and look at pods: containers that run together")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            PodAddCommand.Create(surroundings),
            PodListCommand.Create(surroundings),
            PodShowCommand.Create(surroundings),
            PodUpdateCommand.Create(surroundings),
            PodKillCommand.Create(surroundings),
            PodRemoveCommand.Create(surroundings),
        },
    };

    public static Argument<string> Id() => new("ID") { Description = "The pod, such as /web or web", HelpName = "ID" };

    /// <summary>The id as the API writes it.</summary>
    public static string FullId(string id) => "/" + id.Trim('/');
}
