namespace Pacer.Contracts.Wire;

/// <summary>What a change of apps would do; nothing was changed.</summary>
public sealed class PlanInfo
{
    public List<PlanStep>? Steps { get; set; }

    /// <summary>Whether the deployment would come to its end.</summary>
    public bool Ends { get; set; }

    /// <summary>Apps that would be left without a place for all their instances.</summary>
    public List<WhyInfo>? Waiting { get; set; }
}

public sealed class PlanStep
{
    public List<DeploymentActionInfo>? Actions { get; set; }
    public List<PlanMove>? Starts { get; set; }
    public List<PlanMove>? Stops { get; set; }
}

/// <summary>Instances of one app on one node.</summary>
public sealed class PlanMove
{
    public string? App { get; set; }
    public string? Node { get; set; }
    public string? Hostname { get; set; }
    public int Instances { get; set; }
}

/// <summary>Why instances of an app wait, or that none does.</summary>
public sealed class WhyInfo
{
    public string? Id { get; set; }
    public int Instances { get; set; }
    public int Waiting { get; set; }

    /// <summary>Seconds until the next launch after failures; 0 when nothing holds it back.</summary>
    public long DelaySeconds { get; set; }

    /// <summary>Nodes in contact, and those of them that would take one more instance.</summary>
    public int Nodes { get; set; }
    public int Accepting { get; set; }
    public List<WhyReason>? Reasons { get; set; }

    /// <summary>All of it in sentences.</summary>
    public List<string>? Text { get; set; }
}

public sealed class WhyReason
{
    /// <summary>One of Marathon's reject reasons.</summary>
    public string? Reason { get; set; }
    public int Nodes { get; set; }
    public string? Asked { get; set; }

    /// <summary>The most that one of the nodes has, and which.</summary>
    public string? Free { get; set; }
    public string? Hostname { get; set; }
}
