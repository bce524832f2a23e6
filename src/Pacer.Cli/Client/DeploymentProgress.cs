using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>Turns what the API says of a deployment into a line for people. Pure: tests feed it JSON.</summary>
internal static class DeploymentProgress
{
    /// <param name="apps">The apps it touches, as <c>GET /v2/apps/{id}</c> gives them; those that are gone are left out.</param>
    /// <param name="queue">Items of <c>GET /v2/queue</c>.</param>
    public static string Describe(JsonNode? deployment, IReadOnlyList<JsonNode> apps, IEnumerable<JsonNode> queue)
    {
        var parts = new List<string>();
        if (apps.Count <= 3)
        {
            parts.AddRange(apps.Select(DescribeApp));
        }
        else
        {
            parts.Add($"{apps.Count} apps: {apps.Sum(app => app.Count("tasksRunning"))}/{apps.Sum(app => app.Count("instances"))} running");
        }
        if (deployment is not null && deployment.Count("totalSteps") > 1)
        {
            parts.Add($"step {Math.Max(1, deployment.Count("currentStep"))} of {deployment.Count("totalSteps")}");
        }
        parts.AddRange(Waiting(apps, queue));
        return string.Join(" · ", parts);
    }

    public static string DescribeApp(JsonNode app)
    {
        var text = $"{app.Text("id")}: {app.Count("tasksRunning")}/{app.Count("instances")} running";
        if (app.Count("tasksStaged") is > 0 and var staged)
        {
            text += $", {staged} starting";
        }
        if (app.Items("healthChecks").Any())
        {
            text += $", {app.Count("tasksHealthy")} healthy";
        }
        return text;
    }

    /// <summary>Why instances wait: no node fits, or their last start failed.</summary>
    public static IEnumerable<string> Waiting(IReadOnlyList<JsonNode> apps, IEnumerable<JsonNode> queue)
    {
        var ids = apps.Select(app => app.Text("id")).ToHashSet(StringComparer.Ordinal);
        foreach (var item in queue)
        {
            var delay = item["delay"];
            if (!ids.Contains((item["app"] ?? item["pod"]).Text("id")))
            {
                continue;
            }
            if (delay.Count("timeLeftSeconds") is > 0 and var seconds && !delay.Flag("overdue"))
            {
                yield return $"next start in {seconds} s";
                continue;
            }
            var refusals = Refusals(item);
            if (refusals.Length > 0)
            {
                yield return $"{item.Count("count")} waiting: {refusals}";
            }
        }
    }

    /// <summary><c>InsufficientCpus on 1 of 1 nodes</c>; "" when no node refused.</summary>
    public static string Refusals(JsonNode queueItem)
    {
        var summary = queueItem["processedOffersSummary"];
        var steps = summary.Items("rejectSummaryLastOffers").ToList();
        var nodes = steps.Count > 0 ? steps.Max(step => step.Count("processed")) : 0;
        return string.Join(", ", steps.Where(step => step.Count("declined") > 0)
            .Select(step => $"{step.Text("reason")} on {step.Count("declined")} of {nodes} node{(nodes == 1 ? "" : "s")}"));
    }

    /// <summary>The last task failure of an app in one line; null when it has none.</summary>
    public static string? LastFailure(JsonNode app)
    {
        if (app["lastTaskFailure"] is not { } failure)
        {
            return null;
        }
        var message = failure.Text("message");
        return $"{failure.Text("taskId")} {failure.Text("state")}{(message.Length > 0 ? ": " + message : "")}";
    }
}
