using System.CommandLine;

namespace Pacer.Cli.Commands;

/// <summary>Scripts that ask this program itself what can come next (its <c>[suggest:POSITION]</c> directive).</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _pacer() {
          local line="${COMP_LINE#* }" IFS=$'\n'
          local position=$(( COMP_POINT - (${#COMP_LINE} - ${#line}) ))
          COMPREPLY=( $(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$position]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}") )
        }
        complete -o default -F _pacer pacer ./pacer
        """;

    private const string Zsh = """
        #compdef pacer
        _pacer() {
          local line="${BUFFER#* }" position suggestions
          position=$(( CURSOR - (${#BUFFER} - ${#line}) ))
          suggestions=("${(@f)$(${words[1]} "[suggest:$position]" "$line" 2>/dev/null)}")
          compadd -a suggestions || _files
        }
        compdef _pacer pacer ./pacer
        """;

    private const string Fish = """
        function __pacer_suggest
          set -l line (commandline -cp | string replace -r '^\S+\s' '')
          set -l command (commandline -opc)[1]
          $command "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c pacer -a '(__pacer_suggest)'
        """;

    public static Command Create(Surroundings surroundings)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish", HelpName = "SHELL" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new PacerCommand("completion", "Print a completion script for your shell")
        {
            Group = "This program",
            Examples =
            [
                ("completion bash > ~/.pacer-completion; . ~/.pacer-completion", "bash; add the second part to ~/.bashrc"),
                ("completion zsh > ~/.zfunc/_pacer", "zsh, with ~/.zfunc in fpath"),
                ("completion fish > ~/.config/fish/completions/pacer.fish", "fish"),
            ],
        };
        command.Add(shell);
        command.SetAction(parse =>
        {
            surroundings.Terminal.Line(parse.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCode.Ok;
        });
        return command;
    }
}
