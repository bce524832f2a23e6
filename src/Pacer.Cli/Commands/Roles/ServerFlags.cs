using System.CommandLine;
using Pacer.Cli.Roles;
using Pacer.Edge.Balancing;
using Pacer.Contracts.Vips;
using Pacer.Server;

namespace Pacer.Cli.Commands.Roles;

/// <summary>Flags of the control plane.</summary>
internal sealed class ServerFlags(Surroundings surroundings)
{
    private readonly Flag _http = new(surroundings, "--http", "PACER_HTTP", "ADDR:PORT", "Where the REST API listens; port 0 takes any free one", "127.0.0.1:8080");
    private readonly Flag _agentListen = new(surroundings, "--agent-listen", "PACER_AGENT_LISTEN", "ADDR:PORT", "Where agents on other machines may join; without it none can");
    private readonly Flag _joinToken = new(surroundings, "--join-token", "PACER_JOIN_TOKEN", "TOKEN", "Agents must show it to join");
    private readonly Flag _agentTimeout = new(surroundings, "--agent-timeout", "PACER_AGENT_TIMEOUT", "SECONDS", "Silence after which a node counts as lost", "75");

    private readonly Flag _secretsKeyFile = new(surroundings, "--secrets-key-file", "PACER_SECRETS_KEY_FILE", "FILE", "Holds the key of stored secrets; made with the first one [DATA_DIR/secrets.key]");
    private readonly Flag _secretsDir = new(surroundings, "--secrets-dir", "PACER_SECRETS_DIR", "DIR", "Secrets that are files: source \"file:NAME\"");
    private readonly Flag _allowOrigin = new(surroundings, "--allow-origin", "PACER_ALLOW_ORIGIN", "ORIGIN,…", "Web pages of these origins may read the API; * for all");
    private readonly Flag _newGroupEnforceRole = new(surroundings, "--new-group-enforce-role", "PACER_NEW_GROUP_ENFORCE_ROLE", "off|top", "top: apps in a top-level group must have its name as their role, unless the group says otherwise", "off");
    private readonly Flag _placement = new(surroundings, "--placement", "PACER_PLACEMENT", "SCORE", "spread: on as many nodes as possible; pack: on as few", "spread");
    private readonly Flag _gpuScheduling = new(surroundings, "--gpu-scheduling", "PACER_GPU_SCHEDULING", "POLICY", "restricted: nodes with free GPUs are kept for apps that need one; unrestricted", "restricted");
    private readonly Flag _acceptedRoles = new(surroundings, "--accepted-roles-default", "PACER_ACCEPTED_ROLES_DEFAULT", "ROLES", "What apps without acceptedResourceRoles use: any, unreserved or reserved", "any");
    private readonly Flag _homeRegion = new(surroundings, "--home-region", "PACER_HOME_REGION", "NAME", "Region of apps without a constraint on @region or @zone; without it they go to every region");
    private readonly Flag _unhealthyKills = new(surroundings, "--unhealthy-kills", "PACER_UNHEALTHY_KILLS", "hold|always", "hold: spare instances when most of their app turned unhealthy together; always: Marathon's behaviour", "hold");
    private readonly Flag _record = new(surroundings, "--record", "PACER_RECORD", "FILE", "Record every input of the scheduler for 'pacer replay'; at 256 MiB FILE becomes FILE.1 and a new one begins");

    public Flag JoinToken => _joinToken;

    private readonly Flag _vipRange = new(surroundings, "--vip-range", "PACER_VIP_RANGE", "CIDR", "IPv4 network of named virtual IPs, prefix 8 to 24", VipRange.Standard);

    public void AddTo(Command command)
    {
        command.Add(_http);
        command.Add(_agentListen);
        command.Add(_joinToken);
        command.Add(_agentTimeout);
        command.Add(_placement);
        command.Add(_gpuScheduling);
        command.Add(_acceptedRoles);
        command.Add(_homeRegion);
        command.Add(_vipRange);
        command.Add(_secretsKeyFile);
        command.Add(_secretsDir);
        command.Add(_allowOrigin);
        command.Add(_newGroupEnforceRole);
        command.Add(_unhealthyKills);
        command.Add(_record);
    }

    public ServerOptions Options(ParseResult parse, string dataDirectory, string logLevel) => new()
    {
        Http = FlagValue.Address(parse, _http),
        AgentListen = string.IsNullOrEmpty(parse.GetValue(_agentListen)) ? null : FlagValue.Address(parse, _agentListen),
        DataDir = dataDirectory,
        LabelWarnings = LabelWarnings.Of,
        JoinToken = parse.GetValue(_joinToken) is { Length: > 0 } token ? token : null,
        AgentTimeout = TimeSpan.FromSeconds(FlagValue.Number(parse, _agentTimeout, "75")!.Value),
        // The key itself has no flag: the command lines of all processes can be read by everyone.
        SecretsKey = surroundings.Variable("PACER_SECRETS_KEY") is { Length: > 0 } key ? key : null,
        SecretsKeyFile = parse.GetValue(_secretsKeyFile) is { Length: > 0 } file ? Path.GetFullPath(file) : null,
        SecretsDir = parse.GetValue(_secretsDir) is { Length: > 0 } directory ? Path.GetFullPath(directory) : null,
        AllowOrigins = FlagValue.Origins(parse, _allowOrigin),
        NewGroupEnforceRole = FlagValue.OneOf(parse, _newGroupEnforceRole, "off", "top") == "top",
        Placement = FlagValue.OneOf(parse, _placement, "spread", "pack"),
        GpuScheduling = FlagValue.OneOf(parse, _gpuScheduling, "restricted", "unrestricted"),
        AcceptedRolesDefault = FlagValue.OneOf(parse, _acceptedRoles, "any", "unreserved", "reserved"),
        VipRange = parse.GetValue(_vipRange) is { Length: > 0 } range && range != VipRange.Standard
            ? VipRange.TryParse(range, out _) ? range : throw FlagValue.Wrong(_vipRange, range, "a network with a prefix of 8 to 24 such as 11.0.0.0/8")
            : null,
        HomeRegion = parse.GetValue(_homeRegion) is { Length: > 0 } region ? region : null,
        HoldsUnhealthyKills = FlagValue.OneOf(parse, _unhealthyKills, "hold", "always") == "hold",
        Record = parse.GetValue(_record) is { Length: > 0 } recording ? Path.GetFullPath(recording) : null,
        LogLevel = logLevel,
    };
}
