namespace Pacer.Contracts.Wire;

/// <summary>Watches a task and has it replaced after too many failures in a row.</summary>
public sealed class HealthCheck
{
    /// <summary>"HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS" or "MESOS_TCP".</summary>
    public string? Protocol { get; set; }
    public CommandHealthCheck? Command { get; set; }
    public string? Path { get; set; }
    public int? Port { get; set; }
    public int? PortIndex { get; set; }
    public int? GracePeriodSeconds { get; set; }
    public int? IntervalSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public int? MaxConsecutiveFailures { get; set; }
    public int? DelaySeconds { get; set; }
    public bool? IgnoreHttp1xx { get; set; }

    /// <summary>"IPv4" or "IPv6".</summary>
    public string? IpProtocol { get; set; }
}

public sealed class CommandHealthCheck
{
    public string? Value { get; set; }
}

/// <summary>Status of a task that is only shown, never acted on.</summary>
public sealed class AppCheck
{
    public HttpCheck? Http { get; set; }
    public TcpCheck? Tcp { get; set; }
    public ExecCheck? Exec { get; set; }
    public int? IntervalSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public int? DelaySeconds { get; set; }
}

public sealed class HttpCheck
{
    public int? Port { get; set; }
    public int? PortIndex { get; set; }
    public string? Path { get; set; }

    /// <summary>"HTTP" or "HTTPS".</summary>
    public string? Scheme { get; set; }
}

public sealed class TcpCheck
{
    public int? Port { get; set; }
    public int? PortIndex { get; set; }
}

public sealed class ExecCheck
{
    public CommandForm? Command { get; set; }
}

/// <summary>Exactly one of the two.</summary>
public sealed class CommandForm
{
    public string? Shell { get; set; }
    public List<string>? Argv { get; set; }
}

/// <summary>Tells when a new task may receive traffic and its deployment may go on.</summary>
public sealed class ReadinessCheck
{
    public string? Name { get; set; }

    /// <summary>"HTTP" or "HTTPS".</summary>
    public string? Protocol { get; set; }
    public string? Path { get; set; }
    public string? PortName { get; set; }
    public int? IntervalSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public List<int>? HttpStatusCodesForReady { get; set; }
    public bool? PreserveLastResponse { get; set; }
}
