using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Apps;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskStatsCommand
{
    private const double MiB = 1024 * 1024;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    public static Command Create(Surroundings surroundings)
    {
        var app = ApiOptions.AppId(surroundings);
        app.Arity = ArgumentArity.ZeroOrOne;
        app.HelpName = "APP|TASK";
        app.Description = "Only this task, or tasks of this app";
        var json = ApiOptions.Json();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("stats", "Show what running tasks use: CPU over one second, memory, processes")
        {
            Examples = [("task stats", "all tasks"), ("task stats hello", "")],
        };
        command.Add(app);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var ids = await ChooseAsync(api, parse.GetValue(app), cancellationToken);
            var before = parse.GetValue(json) ? [] : await ReadAsync(api, ids, cancellationToken);
            if (before.Count > 0)
            {
                await Task.Delay(Window, cancellationToken);
            }
            var now = await ReadAsync(api, ids, cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(new JsonObject(now.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)))));
            }
            else if (now.Count == 0)
            {
                surroundings.Terminal.ErrorLine("No running tasks.");
            }
            else
            {
                TableOf(now, before).WriteTo(surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<List<string>> ChooseAsync(ApiClient api, string? text, CancellationToken cancellationToken)
    {
        var tasks = (await api.GetAsync("v2/tasks", cancellationToken)).Items("tasks").ToList();
        var running = tasks.Where(task => task.Text("state") == "TASK_RUNNING").ToList();
        if (string.IsNullOrEmpty(text))
        {
            return [.. running.Select(task => task.Text("id"))];
        }
        var ofApp = running.Where(task => task.Text("appId") == AppCommand.FullId(text)).Select(task => task.Text("id")).ToList();
        return ofApp.Count > 0 ? ofApp : [TaskFinder.Choose(tasks, text)];
    }

    /// <summary>Tasks that end meanwhile are left out.</summary>
    private static async Task<Dictionary<string, JsonNode>> ReadAsync(ApiClient api, List<string> ids, CancellationToken cancellationToken)
    {
        var read = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        foreach (var id in ids)
        {
            try
            {
                if (await api.GetAsync($"v2/tasks/{Uri.EscapeDataString(id)}/statistics", cancellationToken) is { } statistics)
                {
                    read[id] = statistics;
                }
            }
            catch (CliException) when (ids.Count > 1)
            {
            }
        }
        return read;
    }

    private static Table TableOf(Dictionary<string, JsonNode> now, Dictionary<string, JsonNode> before)
    {
        var table = new Table("TASK", "CPUS", "LIMIT", "MEM", "LIMIT", "PROCESSES");
        foreach (var (id, statistics) in now.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            table.Add(
                (id, Tone.Plain),
                (before.TryGetValue(id, out var earlier) ? Cores(earlier, statistics) : "-", Tone.Plain),
                (statistics["cpus_limit"] is null ? "-" : JsonText.Short(statistics.Number("cpus_limit")), Tone.Plain),
                (Memory(statistics, "mem_total_bytes"), Tone.Plain),
                (Memory(statistics, "mem_limit_bytes"), Tone.Plain),
                (statistics.Text("processes", "-"), Tone.Plain));
        }
        return table;
    }

    private static string Cores(JsonNode before, JsonNode now)
    {
        var elapsed = now.Number("timestamp") - before.Number("timestamp");
        return elapsed > 0 && now["cpus_time_secs"] is not null
            ? JsonText.Short(Math.Max(0, now.Number("cpus_time_secs") - before.Number("cpus_time_secs")) / elapsed)
            : "-";
    }

    private static string Memory(JsonNode statistics, string member) =>
        statistics[member] is null ? "-" : JsonText.Short(Math.Round(statistics.Number(member) / MiB, 1)) + " MiB";
}
