using System.Net;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Roles;

/// <summary>Deploys the files named on <c>pacer up</c>: new apps and groups are added, changed ones updated to exactly what the file says.</summary>
internal sealed class FirstApps(Surroundings surroundings, ApiClient api)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public async Task DeployAsync(IReadOnlyList<(string File, JsonObject App)> apps, CancellationToken cancellationToken)
    {
        foreach (var (file, app) in apps)
        {
            var id = AppFile.IdOf(app, file);
            await (AppFile.IsGroup(app) ? DeployGroupAsync(id, app, cancellationToken) : DeployAsync(id, app, cancellationToken));
        }
    }

    private async Task DeployGroupAsync(string id, JsonObject group, CancellationToken cancellationToken)
    {
        var path = "v2/groups/" + ApiClient.EscapeId(id);
        var before = await api.FindAsync(path, cancellationToken);
        await using var watch = await DeploymentWatch.OpenAsync(api, surroundings.Terminal, cancellationToken);
        var reply = before is null
            ? await api.SendAsync(HttpMethod.Post, "v2/groups", group, cancellationToken)
            : await api.SendAsync(HttpMethod.Put, path + "?force=true", group, cancellationToken);
        surroundings.Terminal.Line(reply.Status == HttpStatusCode.Created ? $"Deploying {id}" : $"Bringing {id} up to date");
        if (reply.DeploymentId is { } deployment)
        {
            await watch.WaitAsync(deployment, [], Patience, cancellationToken);
        }
    }

    private async Task DeployAsync(string id, JsonObject app, CancellationToken cancellationToken)
    {
        var path = ApiClient.AppPath(id);
        var before = (await api.FindAsync(path, cancellationToken))?["app"];
        await using var watch = await DeploymentWatch.OpenAsync(api, surroundings.Terminal, cancellationToken);
        var reply = before is null
            ? await api.SendAsync(HttpMethod.Post, "v2/apps", app, cancellationToken)
            : await api.SendAsync(HttpMethod.Put, path + "?partialUpdate=false&force=true", app, cancellationToken);
        surroundings.Terminal.Line(reply.Status == HttpStatusCode.Created ? $"Deploying {id}" : $"Bringing {id} up to date");
        if (reply.DeploymentId is { } deployment)
        {
            await watch.WaitAsync(deployment, [id], Patience, cancellationToken);
        }

        var after = (await api.FindAsync(path, cancellationToken))?["app"];
        foreach (var task in after.Items("tasks").Where(task => task.Text("state") == "TASK_RUNNING").Take(3))
        {
            var address = task.Items("ports").FirstOrDefault() is { } port ? $" on {task.Text("host")}:{port}" : "";
            surroundings.Terminal.Line($"  {task.Text("id")} runs{address}");
        }
    }
}
