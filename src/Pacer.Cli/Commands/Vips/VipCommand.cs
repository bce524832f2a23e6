using System.CommandLine;

namespace Pacer.Cli.Commands.Vips;

/// <summary>Virtual IPs.</summary>
internal static class VipCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("vip", "Show virtual IPs")
    {
        Group = "Work with a cluster",
        Examples = [("vip ls", "what they lead to, and what is wrong")],
        Subcommands = { VipListCommand.Create(surroundings) },
    };
}
