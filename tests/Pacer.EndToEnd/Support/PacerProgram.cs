using System.Diagnostics;

namespace Pacer.EndToEnd.Support;

/// <summary>What a finished command printed.</summary>
internal sealed record CommandOutput(int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with all there is to read unless the command ended so.</summary>
    public CommandOutput Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"expected exit code {exitCode}, got {ExitCode}\nstdout:\n{Output}\nstderr:\n{Error}");
        return this;
    }
}

/// <summary>The executable under test: the build's, or the one that PACER_BIN names (the published one).</summary>
internal static class PacerProgram
{
    public static readonly string Repository = FindRepository();

    public static readonly string Path = Environment.GetEnvironmentVariable("PACER_BIN") is { Length: > 0 } named
        ? System.IO.Path.GetFullPath(named, Repository)
        : System.IO.Path.Combine(Repository, "artifacts/bin/Pacer.Cli/release/pacer");

    public static async Task<CommandOutput> RunAsync(string? server, string input, params string[] arguments)
    {
        using var process = Process.Start(StartInfo(server, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"'pacer {string.Join(' ', arguments)}' did not end within 60 s\nstdout:\n{await output}\nstderr:\n{await error}");
        }
        return new CommandOutput(process.ExitCode, await output, await error);
    }

    public static ProcessStartInfo StartInfo(string? server, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            WorkingDirectory = Repository,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PACER_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }
        start.Environment["PACER_NO_INSTALL"] = "1";
        if (server is not null)
        {
            start.Environment["PACER_SERVER"] = server;
        }
        return start;
    }

    private static string FindRepository()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(directory, "Pacer.slnx")))
        {
            directory = System.IO.Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }
        return directory;
    }
}
