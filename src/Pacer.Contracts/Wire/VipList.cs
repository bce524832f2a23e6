namespace Pacer.Contracts.Wire;

/// <summary>Answer of <c>GET /pacer/vips</c>.</summary>
public sealed class VipList
{
    /// <summary>IPv4 network of named virtual IPs.</summary>
    public string Range { get; set; } = "";
    public List<VipInfo> Vips { get; set; } = [];

    /// <summary>What is wrong with labels.</summary>
    public List<VipWarningInfo> Warnings { get; set; } = [];
}

public sealed class VipInfo
{
    /// <summary>"/web:80" or "10.1.2.3:80".</summary>
    public string Vip { get; set; } = "";

    /// <summary>"tcp" or "udp".</summary>
    public string Protocol { get; set; } = "";
    public int Port { get; set; }

    /// <summary>Null when it is an address.</summary>
    public string? DnsName { get; set; }

    /// <summary>None while a name has no backend.</summary>
    public List<string> Addresses { get; set; } = [];

    /// <summary>Apps and pods behind it.</summary>
    public List<string> Services { get; set; } = [];
    public List<VipBackendInfo> Backends { get; set; } = [];
}

public sealed class VipBackendInfo
{
    public string TaskId { get; set; } = "";
    public string ServiceId { get; set; } = "";
    public string NodeId { get; set; } = "";
    public string Address { get; set; } = "";
    public int Port { get; set; }

    /// <summary>It gets new connections.</summary>
    public bool Serving { get; set; }

    /// <summary>Why not; null when it does.</summary>
    public string? Reason { get; set; }
}

public sealed class VipWarningInfo
{
    public string ServiceId { get; set; } = "";
    public string Text { get; set; } = "";
}
