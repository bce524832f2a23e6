namespace Pacer.Contracts.Wire;

/// <summary>A deployment under way, as <c>GET /v2/deployments</c> lists it.</summary>
public sealed class RunningDeployment
{
    public string? Id { get; set; }
    public string? Version { get; set; }
    public List<string>? AffectedApps { get; set; }
    public List<string>? AffectedPods { get; set; }
    public List<DeploymentStepInfo>? Steps { get; set; }
    public List<DeploymentActionInfo>? CurrentActions { get; set; }

    /// <summary>1-based; 0 before the first step.</summary>
    public int CurrentStep { get; set; }
    public int TotalSteps { get; set; }
}

public sealed class DeploymentStepInfo
{
    public List<DeploymentActionInfo>? Actions { get; set; }
}

public sealed class DeploymentActionInfo
{
    /// <summary>"StartApplication", "ScaleApplication", "RestartApplication", "StopApplication" or the same with Pod.</summary>
    public string? Action { get; set; }
    public string? App { get; set; }
    public string? Pod { get; set; }

    /// <summary>Only among the current actions.</summary>
    public List<ReadinessResult>? ReadinessCheckResults { get; set; }
}

/// <summary>What a change would do, as <c>PUT /v2/groups?dryRun=true</c> answers.</summary>
public sealed class DeploymentPlanInfo
{
    public List<DeploymentStepInfo>? Steps { get; set; }
}
