using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

/// <summary>Flags of every command that starts a deployment, and the waiting for it.</summary>
internal sealed class ChangeOptions(Surroundings surroundings)
{
    private readonly Flag _server = ApiOptions.Server(surroundings);
    private readonly Option<bool> _force = ApiOptions.Force();
    private readonly Option<bool> _noWait = ApiOptions.NoWait();
    private readonly Option<string> _timeout = ApiOptions.Timeout();

    public void AddTo(Command command)
    {
        command.Add(_force);
        command.Add(_noWait);
        command.Add(_timeout);
        command.Add(_server);
    }

    public ApiClient Connect(ParseResult parse) => new(parse.GetValue(_server)!, surroundings.Terminal);

    public bool IsForced(ParseResult parse) => parse.GetValue(_force);

    /// <summary><c>?force=true&amp;scale=true</c> from what applies; "" when nothing does.</summary>
    public string Query(ParseResult parse, params string[] more)
    {
        var parts = IsForced(parse) ? more.Prepend("force=true") : more;
        var query = string.Join('&', parts);
        return query.Length > 0 ? "?" + query : "";
    }

    /// <summary>Sends a change and, unless told otherwise, waits for its deployment with progress.</summary>
    /// <param name="appId">The app that it is about; null: the deployment itself tells which apps are.</param>
    public async Task<ApiReply> ApplyAsync(
        ParseResult parse, ApiClient api, HttpMethod method, string path, JsonNode? body, string? appId, string done, CancellationToken cancellationToken)
    {
        var timeout = ApiOptions.ParseTimeout(parse.GetValue(_timeout));
        if (parse.GetValue(_noWait))
        {
            var accepted = await api.SendAsync(method, path, body, cancellationToken);
            surroundings.Terminal.Line(accepted.DeploymentId is { } id ? $"Created deployment {id}" : done);
            return accepted;
        }

        await using var watch = await DeploymentWatch.OpenAsync(api, surroundings.Terminal, cancellationToken);
        var reply = await api.SendAsync(method, path, body, cancellationToken);
        if (reply.DeploymentId is { } deployment)
        {
            await watch.WaitAsync(deployment, appId is null ? [] : [appId], timeout, cancellationToken);
        }
        surroundings.Terminal.Line(done);
        return reply;
    }
}
