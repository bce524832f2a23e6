using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

internal static class SecretCommand
{
    private const int MaxBytes = 1024 * 1024;

    public static Command Create(Surroundings surroundings) => new PacerCommand("secret", "Store secrets that apps and pods refer to")
    {
        Group = "Work with a cluster",
        Subcommands = { CreatePut(surroundings), CreateList(surroundings), CreateRemove(surroundings) },
    };

    private static PacerCommand CreatePut(Surroundings surroundings)
    {
        var name = Name();
        var file = new Argument<string>("FILE") { Description = "What it holds, byte for byte; '-' or nothing: standard input", HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne };
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("put", "Store a secret, or change it; tasks get the new content when they are launched next")
        {
            Examples = [("secret put db/password password.txt", ""), ("secret put db/password", "type it, then Ctrl-D")],
        };
        command.Add(name);
        command.Add(file);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var content = await ReadAsync(surroundings, parse.GetValue(file), cancellationToken);
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.SendBytesAsync(
                HttpMethod.Put, PathOf(parse.GetValue(name)!), content, cancellationToken, contentType: "application/octet-stream");
            surroundings.Terminal.Line($"Stored {reply.Body.Text("name")}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static PacerCommand CreateList(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var command = new PacerCommand("list", "List the names of stored secrets; what they hold is never shown") { Examples = [("secret list", "")] };
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("v2/secrets", cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(reply));
                return ExitCode.Ok;
            }
            var table = new Table("NAME", "CHANGED");
            foreach (var secret in reply.Items("secrets"))
            {
                table.Add((secret.Text("name"), Tone.Plain), (secret.Text("version"), Tone.Plain));
            }
            if (reply.Items("secrets").Any())
            {
                table.WriteTo(surroundings.Terminal);
            }
            else
            {
                surroundings.Terminal.ErrorLine("No secrets are stored. Store one: pacer secret put db/password password.txt");
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static PacerCommand CreateRemove(Surroundings surroundings)
    {
        var name = Name();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("remove", "Forget a secret; running tasks keep what they have, new ones that need it fail")
        {
            Examples = [("secret remove db/password", "")],
        };
        command.Add(name);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            await api.SendAsync(HttpMethod.Delete, PathOf(parse.GetValue(name)!), null, cancellationToken);
            surroundings.Terminal.Line($"Removed {parse.GetValue(name)!.Trim('/')}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> Name() => new("NAME") { Description = "A path, such as db/password", HelpName = "NAME" };

    private static string PathOf(string name) => "v2/secrets/" + ApiClient.EscapeId(name);

    private static async Task<byte[]> ReadAsync(Surroundings surroundings, string? file, CancellationToken cancellationToken)
    {
        if (file is null or "-")
        {
            using var content = new MemoryStream();
            using var input = surroundings.OpenInput();
            await input.CopyToAsync(content, cancellationToken);
            var bytes = content.ToArray();
            // Who types a password ends the line, and does not mean the line's end to be a part of it.
            var typed = !Console.IsInputRedirected && bytes is [.., (byte)'\n'];
            return Checked(typed ? bytes[..^1] : bytes, "standard input");
        }
        try
        {
            return Checked(await File.ReadAllBytesAsync(file, cancellationToken), file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"{file} can't be read: {(exception is UnauthorizedAccessException ? "permission denied" : "there is no such file")}.");
        }
    }

    private static byte[] Checked(byte[] content, string from) =>
        content.Length == 0 ? throw CliException.Usage($"{from} is empty: a secret must hold something.")
        : content.Length > MaxBytes ? throw CliException.Usage($"{from} is larger than {MaxBytes / 1024} KiB, the most that a secret can hold.")
        : content;
}
