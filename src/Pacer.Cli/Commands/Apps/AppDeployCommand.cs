using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.BlueGreen;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Lb;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

/// <summary>Puts a second version of an app beside the first and moves requests over, as Marathon-LB's zdd does.</summary>
internal sealed class AppDeployCommand
{
    private readonly Surroundings _surroundings;
    private readonly Argument<string> _file = new("FILE") { Description = "JSON file of the app, or - for standard input; to go on, finish or take back its id is enough", HelpName = "FILE|-|ID" };
    private readonly Option<bool> _blueGreen = new("--blue-green") { Description = "A new app takes the place of the one that runs, instance by instance" };
    private readonly Option<string?> _canary = new("--canary") { Description = "Stop when the new version has N instances in the place of old ones, or gets P% of the requests beside them", HelpName = "N|P%" };
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on after an interruption; with --canary N to that many instances" };
    private readonly Option<bool> _complete = new("--complete", "--complete-cur") { Description = "Finish: the new version takes over" };
    private readonly Option<bool> _rollback = new("--rollback", "--complete-prev") { Description = "Take it back: the old version gets its instances again, the new one is removed" };
    private readonly Option<string> _initial = Text("--initial-instances", "N", "Instances that the new version begins with [1]", "1");
    private readonly Option<string?> _increase = new("--linear-increase") { Description = "Add N instances in each round, not half as many again", HelpName = "N" };
    private readonly Option<string> _pause = Text("--step-delay", "SECONDS", "Pause between rounds [5]", "5");
    private readonly Option<string> _timeout = Text("--timeout", "SECONDS", "Longest wait until new instances serve; then the old version comes back [300]", "300");
    private readonly Option<string> _maxWait = Text("--max-wait", "SECONDS", "Longest wait for requests of instances that end [300]", "300");
    private readonly Option<string?> _hook = new("--pre-kill-hook") { Description = "Program to run before old instances end, with the old app, task ids and the new app as JSON; if it fails they stay", HelpName = "PROGRAM" };
    private readonly Flag _balancers;
    private readonly Flag _server;

    private AppDeployCommand(Surroundings surroundings)
    {
        _surroundings = surroundings;
        _balancers = LbFlags.Status(surroundings, "Status of all load balancers, with commas; a name stands for all its addresses");
        _server = ApiOptions.Server(surroundings);
    }

    public static Command Create(Surroundings surroundings) => new AppDeployCommand(surroundings).Create();

    private PacerCommand Create()
    {
        var command = new PacerCommand("deploy", "Deploy a new version beside the one that runs: blue/green, canary")
        {
            Examples =
            [
                ("app deploy --blue-green web.json", "the first time as /web-blue, then green, blue, …"),
                ("app deploy --canary 10% web.json", "a tenth of the requests for the new version"),
                ("app deploy --complete web", "it does: all requests for it"),
                ("app deploy --rollback web", "it does not"),
            ],
            Notes = "Old instances end when the load balancer gives them nothing any more and new ones serve in their place. Ctrl-C leaves both versions serving.",
        };
        command.Add(_file);
        foreach (var option in new Option[] { _blueGreen, _canary, _resume, _complete, _rollback, _initial, _increase, _pause, _timeout, _maxWait, _hook, _balancers, _server })
        {
            command.Add(option);
        }
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var chosen = new[] { _resume, _complete, _rollback }.Where(option => parse.GetValue(option)).ToList();
        var initial = Whole(parse.GetValue(_initial)!, _initial.Name);
        var canary = Canary.Parse(parse.GetValue(_canary), initial);
        if (chosen.Count > 1)
        {
            throw CliException.Usage($"{chosen[0].Name} and {chosen[1].Name} exclude each other.");
        }
        if (chosen.Count == 0 && canary is null && !parse.GetValue(_blueGreen))
        {
            throw CliException.Usage("Say how: --blue-green, or --canary N or P%. Without a second version beside the first: pacer app add, pacer app update.");
        }
        if (chosen.Count == 1 && canary is not null && (chosen[0] != _resume || canary.Percent is not null))
        {
            throw CliException.Usage($"--canary {parse.GetValue(_canary)} does not go with {chosen[0].Name}. A canary that runs can go on to more instances: --resume --canary 3.");
        }
        var name = parse.GetValue(_file)!;
        var (id, definition) = await ReadAsync(name, chosen.Count > 0, cancellationToken);
        var increase = parse.GetValue(_increase) is { } text ? Whole(text, _increase.Name) : (int?)null;
        var (timeout, maxWait, pause) = (Seconds(parse, _timeout), Seconds(parse, _maxWait), Seconds(parse, _pause));

        using var api = new ApiClient(parse.GetValue(_server)!, _surroundings.Terminal);
        using var balancers = new BalancerClient();
        var addresses = await BalancerClient.FindAsync(parse.GetValue(_balancers) ?? "", cancellationToken);
        var versions = await FindAsync(api, definition is null ? id : "/" + definition["labels"].Text(DeployLabels.Group, id).Trim('/'), cancellationToken);
        var pages = new List<JsonNode>();
        foreach (var address in addresses)
        {
            pages.Add(await balancers.ReadAsync(address, cancellationToken));
        }

        if (chosen.Count == 0)
        {
            if (versions.Old is not null)
            {
                throw new CliException(ExitCode.Refused,
                    $"{versions.Service} has two versions already: {versions.Old.Text("id")} and {versions.New.Text("id")}. "
                    + $"Go on with --resume, finish with --complete, or take the new one back with --rollback: pacer app deploy --resume {name}");
            }
            versions = await StartAsync(api, versions, new BalancerSight(pages, versions.Service), definition!, id, canary, initial, cancellationToken);
        }
        else if (versions.New is null)
        {
            throw new CliException(ExitCode.NotFound, $"No version of {versions.Service} is there. Deploy the first: pacer app deploy --blue-green FILE");
        }
        else if (versions.Old is null && !IsUntrimmed(versions.New))
        {
            if (parse.GetValue(_rollback))
            {
                throw new CliException(ExitCode.Refused, $"{versions.New.Text("id")} is the only version of {versions.Service}: there is nothing to go back to.");
            }
            _surroundings.Terminal.Line($"{versions.New.Text("id")} is the only version of {versions.Service}: nothing is left to do.");
            return ExitCode.Ok;
        }
        var plan = AppVersions.PlanOf(versions.New!, parse.GetValue(_complete), chosen.Count > 0 ? canary?.Instances : null, increase, timeout, maxWait);
        var run = new BlueGreenRun(api, balancers, _surroundings.Terminal, TimeProvider.System, new RunOptions(addresses, pause, parse.GetValue(_hook), name == "-" ? id.Trim('/') : name), versions);
        await run.RunAsync(plan, parse.GetValue(_rollback), cancellationToken);
        return ExitCode.Ok;
    }

    /// <summary>The old version is gone, but the instances that a canary had beside it are not.</summary>
    private static bool IsUntrimmed(JsonNode newest) =>
        newest.Label(DeployLabels.Share).Length > 0 && newest.Whole(DeployLabels.Target) == newest.Count("instances");

    private async Task<(string Id, JsonObject? Definition)> ReadAsync(string name, bool idIsEnough, CancellationToken cancellationToken)
    {
        if (idIsEnough && name != "-" && !File.Exists(name))
        {
            return (AppCommand.FullId(name), null);
        }
        var apps = await AppFile.ReadAsync(name, _surroundings, cancellationToken);
        if (apps.Count != 1 || AppFile.IsGroup(apps[0]))
        {
            throw CliException.Usage($"{name}: not one app. A blue/green deployment takes one at a time.");
        }
        return (AppFile.IdOf(apps[0], name), apps[0]);
    }

    private static async Task<AppVersions> FindAsync(ApiClient api, string id, CancellationToken cancellationToken) =>
        AppVersions.Find((await api.GetAsync("v2/apps?embed=apps.tasks", cancellationToken)).Items("apps"), id);

    private async Task<AppVersions> StartAsync(
        ApiClient api, AppVersions versions, BalancerSight sight, JsonObject definition, string id, Canary? canary, int initial, CancellationToken cancellationToken)
    {
        var current = versions.New;
        var running = current.Items("tasks").Where(task => task.Text("state") == "TASK_RUNNING").Select(task => task.Text("id")).ToList();
        if (running.Count > 0 && !sight.Knows(running))
        {
            throw new CliException(ExitCode.Refused,
                $"A load balancer does not publish {current.Text("id")}, so requests can't be moved. 'pacer lb status' shows what it does; --lb-status names the others.");
        }
        var wished = NextVersion.Instances(definition);
        var next = NextVersion.Make(definition, id, current, canary, initial, TimeProvider.System.GetUtcNow());
        if (current is not null && wished is not null && current.Count("instances") is > 0 and var now && now != wished)
        {
            _surroundings.Terminal.ErrorLine($"warning: {current.Text("id")} has {now} instances, and so will {next.Text("id")}, not {wished}. Afterwards: pacer app scale {next.Text("id").TrimStart('/')} {wished}");
        }
        await api.SendAsync(HttpMethod.Post, "v2/apps", next, cancellationToken);
        _surroundings.Terminal.Line($"{next.Text("id")}: {next.Count("instances")} instance{(next.Count("instances") == 1 ? "" : "s")}{(current is null ? "" : $" beside {current.Text("id")}")}");
        return new AppVersions(versions.Service, current, next);
    }

    private static Option<string> Text(string name, string helpName, string description, string standard) =>
        new(name) { Description = description, HelpName = helpName, DefaultValueFactory = _ => standard };

    private static int Whole(string text, string flag) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw CliException.Usage($"{flag} '{text}' is not valid. Give a whole number above 0 such as 1.");

    private static TimeSpan Seconds(ParseResult parse, Option<string> option) =>
        double.TryParse(parse.GetValue(option), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < 1_000_000
            ? TimeSpan.FromSeconds(seconds)
            : throw CliException.Usage($"{option.Name} '{parse.GetValue(option)}' is no number of seconds. Give one such as 60.");
}
