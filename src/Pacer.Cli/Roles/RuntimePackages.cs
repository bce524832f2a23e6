using System.Diagnostics;
using Pacer.Cli.Output;

namespace Pacer.Cli.Roles;

/// <summary>Installs what isolated containers need where that is possible (root, Debian), and says so.</summary>
internal static class RuntimePackages
{
    private static readonly (string Package, string[] Executables)[] Needed =
    [
        ("crun", ["crun", "runc"]),
        ("conmon", ["conmon"]),
        ("catatonit", ["catatonit", "tini-static", "tini"]),
        ("iproute2", ["ip"]),
        ("nftables", ["nft"]),
        ("conntrack", ["conntrack"]),
    ];

    public static IReadOnlyList<string> Missing(Surroundings surroundings)
    {
        var folders = ((surroundings.Variable("PATH") ?? "") + ":/usr/bin:/usr/sbin:/usr/local/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return [.. Needed
            .Where(need => !need.Executables.Any(executable => folders.Any(folder => File.Exists(Path.Combine(folder, executable)))))
            .Select(need => need.Package)];
    }

    /// <summary>Never fails: without the packages the agent runs plain processes and says what is missing.</summary>
    public static async Task EnsureAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var missing = Missing(surroundings);
        if (missing.Count == 0 || !Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/apt-get"))
        {
            return;
        }
        var terminal = surroundings.Terminal;
        terminal.Line($"Installing {string.Join(", ", missing)} (Debian packages, for isolated containers)…");
        string[] install = ["install", "-y", "-q", "--no-install-recommends", .. missing];
        if (await RunAsync(install, cancellationToken) is not null)
        {
            // On a fresh machine the lists of packages are not there yet.
            var failure = await RunAsync(["update", "-q"], cancellationToken) ?? await RunAsync(install, cancellationToken);
            if (failure is not null)
            {
                terminal.ErrorLine($"warning: apt-get could not install {string.Join(", ", missing)} ({failure}). Going on without isolation; later: apt-get install {string.Join(' ', missing)}");
            }
        }
    }

    /// <summary>Null when it worked, else the last line that apt-get printed.</summary>
    private static async Task<string?> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("/usr/bin/apt-get", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DEBIAN_FRONTEND"] = "noninteractive", ["LC_ALL"] = "C" },
        };
        using var process = Process.Start(start);
        if (process is null)
        {
            return "apt-get did not start";
        }
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode == 0)
        {
            return null;
        }
        var lines = (await error + await output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.FirstOrDefault(line => line.StartsWith("E:", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? $"exit code {process.ExitCode}";
    }
}
