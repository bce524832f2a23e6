using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using Pacer.Cli.Commands.Apps;
using Pacer.Cli.Commands.Deployments;
using Pacer.Cli.Commands.Dns;
using Pacer.Cli.Commands.Groups;
using Pacer.Cli.Commands.Lb;
using Pacer.Cli.Commands.Pods;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Commands.State;
using Pacer.Cli.Commands.Tasks;
using Pacer.Cli.Commands.Vips;

namespace Pacer.Cli.Commands;

/// <summary>The whole command tree, and the one place where commands end: messages, exit codes, Ctrl-C.</summary>
internal static class CommandLine
{
    public static RootCommand Create(Surroundings surroundings)
    {
        var root = new RootCommand("Pacer runs containers on one machine or many, and keeps them running. It speaks Marathon's v2 REST API.")
        {
            UpCommand.Create(surroundings),
            DownCommand.Create(surroundings),
            ServerCommand.Create(surroundings),
            AgentCommand.Create(surroundings),
            DnsCommand.Create(surroundings),
            LbCommand.Create(surroundings),
            BackupCommand.Create(surroundings),
            RestoreCommand.Create(surroundings),
            AppCommand.Create(surroundings),
            PodCommand.Create(surroundings),
            GroupCommand.Create(surroundings),
            TaskCommand.Create(surroundings),
            DeploymentCommand.Create(surroundings),
            NodeCommand.Create(surroundings),
            VolumeCommand.Create(surroundings),
            VipCommand.Create(surroundings),
            SecretCommand.Create(surroundings),
            EventCommand.Create(surroundings),
            ReplayCommand.Create(surroundings),
            CompletionCommand.Create(surroundings),
            VersionCommand.Create(surroundings),
        };
        foreach (var option in root.Options.Where(option => option is VersionOption).ToList())
        {
            option.Description = "Show the version";
        }
        SetHelp(root, new Help(surroundings.Terminal));
        root.SetAction(_ =>
        {
            surroundings.Terminal.Output.Write(Help.Of(root, 120));
            return ExitCode.Ok;
        });
        return root;
    }

    public static async Task<int> RunAsync(string[] args, Surroundings surroundings)
    {
        var root = Create(surroundings);
        using var interrupted = new CancellationTokenSource();
        var parse = root.Parse(args);
        if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction wrong)
        {
            wrong.ShowHelp = false;
        }
        // Roles stop by themselves, in order; for everything else Ctrl-C cancels once and ends the process the second time.
        using var signal = OwnsSignals(parse) ? null : PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        });
        try
        {
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = surroundings.Terminal.Output,
                Error = surroundings.Terminal.Error,
            };
            return await parse.InvokeAsync(configuration, interrupted.Token);
        }
        catch (CliException exception)
        {
            surroundings.Terminal.ErrorLine("pacer: " + exception.Message);
            return exception.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted; // Ctrl-C, or a role that was asked to stop while it started
        }
        catch (IOException exception) when (exception.HResult == 32 || exception.Message.Contains("Broken pipe", StringComparison.Ordinal))
        {
            return ExitCode.Ok; // whoever read our output has seen enough: 'pacer task log … | head'
        }
        catch (Exception exception) when (Environment.GetEnvironmentVariable("PACER_DEBUG") is null)
        {
            surroundings.Terminal.ErrorLine(
                $"pacer: this should not have happened ({exception.GetType().Name}): a mistake in Pacer. PACER_DEBUG=1 in the environment shows where.");
            return ExitCode.Internal;
        }
    }

    private static bool OwnsSignals(ParseResult parse) =>
        parse.CommandResult.Command.Parents.OfType<RootCommand>().Any() && parse.CommandResult.Command.Name is "up" or "server" or "agent" or "dns" or "lb";

    private static void SetHelp(Command command, Help help)
    {
        foreach (var option in command.Options.OfType<HelpOption>())
        {
            option.Action = help;
            option.Aliases.Remove("/?");
            option.Aliases.Remove("/h");
            option.Aliases.Remove("-?");
        }
        foreach (var sub in command.Subcommands)
        {
            SetHelp(sub, help);
            if (sub.Subcommands.Count > 0 && sub.Action is null)
            {
                sub.SetAction(parse =>
                {
                    help.Invoke(parse);
                    return ExitCode.Usage;
                });
            }
        }
    }
}
