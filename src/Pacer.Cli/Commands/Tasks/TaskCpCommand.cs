using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskCpCommand
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static Command Create(Surroundings surroundings)
    {
        var from = new Argument<string>("TASK:PATH") { Description = "A file or directory in the sandbox of a task; 'TASK:' is the whole sandbox", HelpName = "TASK:PATH" };
        var to = new Argument<string>("TARGET") { Description = "Where to: a directory, or a new name", HelpName = "TARGET", DefaultValueFactory = _ => "." };
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("cp", "Copy files out of a task's sandbox")
        {
            Examples = [("task cp hello:stdout", "into this directory"), ("task cp hello:data backup", "a directory with all that is in it")],
        };
        command.Add(from);
        command.Add(to);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var (task, path) = Split(parse.GetValue(from)!);
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var id = await TaskFinder.FindAsync(api, task, cancellationToken);
            var copy = new Copy(api, id);
            try
            {
                await copy.RunAsync(path, parse.GetValue(to)!, cancellationToken);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw CliException.Usage($"Can't write below '{parse.GetValue(to)}': {exception.Message}");
            }
            surroundings.Terminal.Line(copy.Files == 1 ? "Copied 1 file" : $"Copied {copy.Files} files");
            foreach (var skipped in copy.Skipped)
            {
                surroundings.Terminal.ErrorLine($"warning: '{skipped}' is no regular file and was left out");
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static (string Task, string Path) Split(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0
            ? (text[..colon], text[(colon + 1)..].Trim('/'))
            : throw CliException.Usage($"'{text}' names no file. Give TASK:PATH, such as hello:stdout; 'hello:' is the whole sandbox.");
    }

    private sealed class Copy(ApiClient api, string taskId)
    {
        private readonly Sandbox _sandbox = new(api, taskId);

        public int Files { get; private set; }

        public List<string> Skipped { get; } = [];

        public async Task RunAsync(string path, string target, CancellationToken cancellationToken)
        {
            var entries = await _sandbox.ListAsync(path, cancellationToken);
            // A file lists itself: its path is the one that was asked for.
            if (entries is [var only] && only.Text("path") == path && !Sandbox.IsDirectory(only))
            {
                await OneAsync(only, Directory.Exists(target) ? Path.Combine(target, Sandbox.NameOf(only)) : target, cancellationToken);
                return;
            }
            var name = path.Length == 0 ? "" : path[(path.LastIndexOf('/') + 1)..];
            await ManyAsync(entries, Directory.Exists(target) ? Path.Combine(target, name) : target, cancellationToken);
        }

        private async Task ManyAsync(JsonArray entries, string directory, CancellationToken cancellationToken)
        {
            Directory.CreateDirectory(directory);
            foreach (var entry in entries)
            {
                var local = Path.Combine(directory, Sandbox.NameOf(entry));
                if (Sandbox.IsDirectory(entry))
                {
                    await ManyAsync(await _sandbox.ListAsync(entry.Text("path"), cancellationToken), local, cancellationToken);
                }
                else
                {
                    await OneAsync(entry, local, cancellationToken);
                }
            }
        }

        private async Task OneAsync(JsonNode? entry, string local, CancellationToken cancellationToken)
        {
            if (!Sandbox.IsFile(entry))
            {
                Skipped.Add(entry.Text("path"));
                return;
            }
            await using (var file = File.Create(local))
            {
                await new TaskFile(api, taskId, entry.Text("path")).CopyAsync(0, follow: false, file, cancellationToken);
            }
            if (Sandbox.IsExecutable(entry))
            {
                File.SetUnixFileMode(local, File.GetUnixFileMode(local) | Executable);
            }
            Files++;
        }
    }
}
