using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Pacer.EndToEnd.Support;

/// <summary>
/// The examples of a page of the documentation: a definition after "with `NAME.json`:", commands for it, and maybe "It prints `TEXT`."
/// </summary>
internal static partial class PageExamples
{
    public static async Task<string> ReadAsync(string page) => await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs", page));

    /// <summary>Runs the examples in their order as a user would; returns what the commands of each printed. Checks what the page says of it.</summary>
    public static async Task<IReadOnlyList<string>> RunAsync(Cluster cluster, string page, int count)
    {
        var folder = Directory.CreateDirectory(Path.Combine(cluster.DataDirectory, "examples")).FullName;
        var examples = Example().Matches(page);
        Assert.Equal(count, examples.Count);
        var outputs = new List<string>();
        foreach (Match example in examples)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, example.Groups["file"].Value), example.Groups["json"].Value);
            var start = PacerProgram.StartInfo(cluster.Api.Url);
            (start.FileName, start.WorkingDirectory) = ("/bin/bash", folder);
            start.ArgumentList.Add("-ec");
            start.ArgumentList.Add($"pacer() {{ '{PacerProgram.Path}' \"$@\"; }}\n{example.Groups["sh"].Value}");
            using var shell = Process.Start(start)!;
            shell.StandardInput.Close();
            var output = shell.StandardOutput.ReadToEndAsync();
            var error = shell.StandardError.ReadToEndAsync();
            await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
            Assert.True(shell.ExitCode == 0, $"{example.Groups["sh"].Value}\n{await output}\n{await error}");
            foreach (Capture prints in example.Groups["prints"].Captures)
            {
                Assert.Contains(prints.Value, await output);
            }
            outputs.Add(await output);
        }
        return outputs;
    }

    [GeneratedRegex("with `(?<file>[a-z]+\\.json)`:\n\n```json\n(?<json>.*?)```\n\n```sh\n(?<sh>.*?)```(?:\n\nIt prints `(?<prints>[^`]+)`(?:,? and `(?<prints>[^`]+)`)*\\.)?", RegexOptions.Singleline)]
    private static partial Regex Example();
}
