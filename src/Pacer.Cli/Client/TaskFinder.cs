using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>Finds the task that somebody means: by its id, by a part of it, or by an app that has one task.</summary>
internal static class TaskFinder
{
    public static async Task<string> FindAsync(ApiClient api, string text, CancellationToken cancellationToken)
    {
        var tasks = (await api.GetAsync("v2/tasks", cancellationToken)).Items("tasks").ToList();
        return Choose(tasks, text);
    }

    public static string Choose(IReadOnlyList<JsonNode> tasks, string text)
    {
        if (tasks.Any(task => task.Text("id") == text))
        {
            return text;
        }

        var appId = "/" + text.Trim('/');
        var matches = tasks.Where(task => task.Text("appId") == appId).ToList();
        if (matches.Count == 0)
        {
            matches = tasks.Where(task => task.Text("id").Contains(text, StringComparison.Ordinal)).ToList();
        }
        if (matches.Count > 1 && matches.Where(task => task.Text("state") == "TASK_RUNNING").ToList() is { Count: 1 } running)
        {
            matches = running;
        }
        return matches.Count switch
        {
            1 => matches[0].Text("id"),
            0 when text.Contains(".instance-", StringComparison.Ordinal) => text, // ended long ago, perhaps: the server knows
            0 => throw new CliException(ExitCode.NotFound, $"No task matches '{text}'. See 'pacer task list'."),
            _ => throw CliException.Usage(
                $"'{text}' matches {matches.Count} tasks; name one of them:\n" +
                string.Join('\n', matches.Take(20).Select(task => $"  {task.Text("id")}  {task.Text("state")}  {task.Text("host")}")) +
                (matches.Count > 20 ? $"\n  … and {matches.Count - 20} more ('pacer task list')" : "")),
        };
    }
}
