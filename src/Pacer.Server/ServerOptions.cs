using Pacer.Contracts.Endpoints;

namespace Pacer.Server;

/// <summary>Settings of the control plane. Each has a command-line flag and an environment variable (docs/configuration.md).</summary>
public sealed record ServerOptions
{
    /// <summary>Address and port of the REST API; port 0 takes any free one.</summary>
    public string Http { get; init; } = "127.0.0.1:8080";

    /// <summary>Address and port that agents dial (gRPC, HTTP/2); null: only the Unix socket in the data directory.</summary>
    public string? AgentListen { get; init; }

    /// <summary>Holds state.db and agent.sock.</summary>
    public required string DataDir { get; init; }

    /// <summary>When set, agents must show it to join.</summary>
    public string? JoinToken { get; init; }

    /// <summary>Base64 of the 32 bytes that secrets are sealed with; null: the key file's.</summary>
    public string? SecretsKey { get; init; }

    /// <summary>Holds that key, and is made with the first secret; null: <c>secrets.key</c> in the data directory.</summary>
    public string? SecretsKeyFile { get; init; }

    /// <summary>Directory of secrets that are files (source <c>file:NAME</c>); null: there are none.</summary>
    public string? SecretsDir { get; init; }

    /// <summary>Silence after which a node counts as lost.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Origins whose pages may read the API from a browser; "*": all.</summary>
    public IReadOnlyList<string> AllowOrigins { get; init; } = [];

    /// <summary>Whether apps in a top-level group that does not say must have the group's name as their role.</summary>
    public bool NewGroupEnforceRole { get; init; }

    /// <summary>"spread" or "pack".</summary>
    public string Placement { get; init; } = "spread";

    /// <summary>"restricted" (nodes with free GPUs are kept for those who need one) or "unrestricted".</summary>
    public string GpuScheduling { get; init; } = "restricted";

    /// <summary>What apps without acceptedResourceRoles may use: "any", "unreserved" or "reserved".</summary>
    public string AcceptedRolesDefault { get; init; } = "any";

    /// <summary>What is wrong with the labels of a service that is deployed, in words for users; null: nobody reads labels.</summary>
    public Func<EndpointService, IReadOnlyList<string>>? LabelWarnings { get; init; }

    /// <summary>Region of apps without a constraint on @region or @zone; null: they go to every region.</summary>
    public string? HomeRegion { get; init; }

    /// <summary>IPv4 network that named virtual IPs get their addresses from; null: <c>11.0.0.0/8</c>.</summary>
    public string? VipRange { get; init; }

    /// <summary>File that the inbox is recorded to, for <c>pacer replay</c>; null: it is not.</summary>
    public string? Record { get; init; }

    /// <summary>Whether kills for failing health are held back when most of an app turned unhealthy together; false: as in Marathon.</summary>
    public bool HoldsUnhealthyKills { get; init; } = true;

    /// <summary>Lines of logging below this are not written: "debug", "info", "warn", "error".</summary>
    public string LogLevel { get; init; } = "warn";
}
