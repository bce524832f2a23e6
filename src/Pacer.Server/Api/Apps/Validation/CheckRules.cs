using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>Health checks, checks and readiness checks (marathon-model.md §6).</summary>
internal static class CheckRules
{
    public static void Validate(App app, ErrorCollector errors)
    {
        var names = AppDefaults.IsHostMode(app)
            ? app.PortDefinitions!.ConvertAll(p => p.Name)
            : app.Container!.PortMappings!.ConvertAll(p => p.Name);
        HealthChecks(app, names.Count, errors);
        Check(app, names.Count, errors);
        ReadinessChecks(app, names, errors);
    }

    /// <summary>Whether the node runs it and ends the task by itself.</summary>
    public static bool IsAgentRun(HealthCheck check) => check.Protocol is "COMMAND" or "MESOS_HTTP" or "MESOS_HTTPS" or "MESOS_TCP";

    private static void HealthChecks(App app, int ports, ErrorCollector errors)
    {
        for (var i = 0; i < app.HealthChecks?.Count; i++)
        {
            var check = app.HealthChecks[i];
            var path = $"/healthChecks({i})";
            if (check.Protocol == "COMMAND")
            {
                errors.Require(!string.IsNullOrWhiteSpace(check.Command?.Value), $"{path}/command",
                    "must be given for protocol COMMAND, and its value must not be empty");
            }
            else
            {
                PortReference(check.Port, check.PortIndex, ports, path,
                    "Health check port indices must address an element of the ports array or container port mappings.", errors);
            }
            if (check.IpProtocol == "IPv6")
            {
                errors.Require(check.Protocol!.StartsWith("MESOS_", StringComparison.Ordinal) && app.Container?.Type == "DOCKER",
                    $"{path}/ipProtocol", "IPv6 can only be used with MESOS_HTTP, MESOS_HTTPS or MESOS_TCP and a DOCKER container");
            }
        }
        errors.Require(
            (app.HealthChecks ?? []).Count(c => c.Protocol!.StartsWith("MESOS_", StringComparison.Ordinal)) <= 1,
            "/healthChecks", "AppDefinition can contain at most one Mesos health check");
    }

    private static void Check(App app, int ports, ErrorCollector errors)
    {
        if (app.Check is not { } check)
        {
            return;
        }
        const string IndexError = "check port index must address an element of the ports array or container port mappings";
        errors.Require(app.Container?.Type != "DOCKER", "/check", "AppDefinition must not use 'checks' if using docker");
        var kinds = (check.Http is null ? 0 : 1) + (check.Tcp is null ? 0 : 1) + (check.Exec is null ? 0 : 1);
        errors.Require(kinds == 1, "/check", "exactly one of http, tcp and exec must be given");
        if (check.Http is { } http)
        {
            PortReference(http.Port, http.PortIndex, ports, "/check/http", IndexError, errors);
        }
        if (check.Tcp is { } tcp)
        {
            PortReference(tcp.Port, tcp.PortIndex, ports, "/check/tcp", IndexError, errors);
        }
        if (check.Exec?.Command is { } command)
        {
            errors.Require(command.Shell is null != command.Argv is null, "/check/exec/command", "exactly one of shell and argv must be given");
        }
    }

    private static void ReadinessChecks(App app, List<string?> portNames, ErrorCollector errors)
    {
        var checks = app.ReadinessChecks ?? [];
        errors.Require(checks.Count <= 1, "/readinessChecks", "at most one readiness check is allowed");
        for (var i = 0; i < checks.Count; i++)
        {
            var check = checks[i];
            errors.Require(portNames.Contains(check.PortName), $"/readinessChecks({i})",
                $"No port definition reference for portName {check.PortName}");
            errors.Require(check.TimeoutSeconds < check.IntervalSeconds, $"/readinessChecks({i})/timeoutSeconds",
                $"Timeout ({check.TimeoutSeconds} seconds) must be less than the interval ({check.IntervalSeconds} seconds).");
        }
    }

    private static void PortReference(int? port, int? index, int ports, string path, string indexError, ErrorCollector errors)
    {
        if (port is not null && index is not null)
        {
            errors.Add(path, "exactly one of port and portIndex must be given");
        }
        else if (index is { } i)
        {
            errors.Require(i < ports, $"{path}/portIndex", indexError);
        }
        else if (port is null)
        {
            errors.Require(ports == 1, path, $"port or portIndex must be given: the app has {ports} ports");
        }
    }
}
