using System.Diagnostics;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

public sealed class BackupDocumentTests
{
    [Fact]
    public async Task BackupPage_ItsCommands_BringBackWhatWasRemoved_WithItsTask()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/backup.md"));
        var lines = Regex.Matches(page, "(?m)^    ((?:pacer|curl) .*)$").Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(["pacer backup", "pacer restore", "curl -X", "curl -X"], lines.Select(line => string.Join(' ', line.Split(' ').Take(2))));
        var directory = Directory.CreateTempSubdirectory("pacer-e2e-backup-").FullName;
        try
        {
            await using var cluster = await Cluster.StartAsync();
            string Here(string line) => line.Replace("/var/backups", directory, StringComparison.Ordinal)
                .Replace("http://127.0.0.1:8080", cluster.Api.Url, StringComparison.Ordinal);
            async Task PacerAsync(string line) =>
                (await cluster.PacerAsync([.. Here(line).Split(' ')[1..], "--data-dir", cluster.DataDirectory])).Expect(0);

            (await cluster.PacerAsync("app", "add", "examples/hello.json")).Expect(0);
            var task = (await cluster.PacerAsync("task", "list", "-q")).Expect(0).Output;
            await PacerAsync(lines[0]);
            var refused = (await cluster.PacerAsync([.. Here(lines[1]).Split(' ')[1..], "--data-dir", cluster.DataDirectory])).Expect(1);
            Assert.Contains("in use by process", refused.Error);

            // The state forgets the app while its container runs on; the backup knows both.
            Assert.Equal(0, await cluster.Up.TerminateAsync());
            await PacerAsync(lines[1]);
            await cluster.StartAgainAsync();
            Assert.Equal(task, (await cluster.PacerAsync("task", "list", "-q")).Expect(0).Output);

            File.Delete(Path.Combine(directory, "pacer.backup"));
            await CurlAsync(Here(lines[2]));
            await UntilAsync(() => Task.FromResult(File.Exists(Path.Combine(directory, "pacer.backup"))), "the backup is written");
            await UntilAsync(async () => (await cluster.PacerAsync("app", "list")).ExitCode == 0, "the server leads again");
            (await cluster.PacerAsync("app", "remove", "hello")).Expect(0);
            await CurlAsync(Here(lines[3]));
            await UntilAsync(async () => (await cluster.PacerAsync("app", "list", "-q")).Output.Contains("/hello", StringComparison.Ordinal), "the app is back");
            await UntilAsync(async () => (await cluster.PacerAsync("task", "list", "hello")).Output.Contains("running", StringComparison.OrdinalIgnoreCase), "it runs");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task CurlAsync(string line)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Delete, Regex.Match(line, "'(.*)'").Groups[1].Value);
        using var answer = await http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed < TimeSpan.FromSeconds(30);)
        {
            if (await condition())
            {
                return;
            }
            await Task.Delay(50);
        }
        Assert.Fail("Within 30 s this did not happen: " + what);
    }
}
