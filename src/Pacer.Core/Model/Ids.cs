namespace Pacer.Core.Model;

/// <summary>
/// Absolute id of an app or a pod ("/shop/cart"). Parsed once at the edge; the core never sees a relative or malformed one.
/// </summary>
public readonly record struct RunSpecId(string Path) : IComparable<RunSpecId>
{
    public int CompareTo(RunSpecId other) => string.CompareOrdinal(Path, other.Path);

    /// <summary>Segments joined with '_': part of task and instance ids. Reversible, because '_' is illegal in segments.</summary>
    public string SafePath => Path[1..].Replace('/', '_');

    /// <summary>Segments reversed and joined with '.': the Mesos task name and discovery name.</summary>
    public string HostnameForm
    {
        get
        {
            var segments = Path[1..].Split('/');
            Array.Reverse(segments);
            return string.Join('.', segments);
        }
    }

    public static RunSpecId FromSafePath(string safePath) => new("/" + safePath.Replace('_', '/'));

    /// <summary>The enclosing group: "/" for a top-level id.</summary>
    public string Group
    {
        get
        {
            var slash = Path.LastIndexOf('/');
            return slash <= 0 ? "/" : Path[..slash];
        }
    }

    /// <summary>Whether this id lies in <paramref name="group"/> or below it. Every id lies in "/".</summary>
    public bool IsInGroup(string group) =>
        group == "/" || (Path.Length > group.Length && Path.StartsWith(group, StringComparison.Ordinal) && Path[group.Length] == '/');

    public override string ToString() => Path;
}

/// <summary><c>&lt;safe path&gt;.instance-&lt;uuid&gt;</c>: stable over relaunches of the same instance.</summary>
public readonly record struct InstanceId(string Value) : IComparable<InstanceId>
{
    public int CompareTo(InstanceId other) => string.CompareOrdinal(Value, other.Value);

    public RunSpecId RunSpecId
    {
        get
        {
            var dot = Value.LastIndexOf('.');
            return dot < 0 ? new RunSpecId("/" + Value) : RunSpecId.FromSafePath(Value[..dot]);
        }
    }

    public static InstanceId Create(RunSpecId runSpec, string uuid) => new($"{runSpec.SafePath}.instance-{uuid}");

    public override string ToString() => Value;
}

/// <summary><c>&lt;instance id&gt;.&lt;container&gt;.&lt;incarnation&gt;</c>; the container of an app is <c>_app</c>. Never reused.</summary>
public readonly record struct TaskId(string Value) : IComparable<TaskId>
{
    public const string AppContainer = "_app";

    public int CompareTo(TaskId other) => string.CompareOrdinal(Value, other.Value);

    public static TaskId Create(InstanceId instance, string container, int incarnation) =>
        new($"{instance.Value}.{container}.{incarnation}");

    /// <summary>Takes the id apart; false when it does not have Pacer's form.</summary>
    public bool TryGetInstance(out InstanceId instance, out string container, out int incarnation)
    {
        instance = default;
        container = "";
        incarnation = 0;
        var last = Value.LastIndexOf('.');
        if (last <= 0 || !int.TryParse(Value.AsSpan(last + 1), out incarnation))
        {
            return false;
        }
        var middle = Value.LastIndexOf('.', last - 1);
        if (middle <= 0)
        {
            return false;
        }
        container = Value[(middle + 1)..last];
        instance = new InstanceId(Value[..middle]);
        var name = instance.Value.LastIndexOf('.');
        return name > 0 && instance.Value.AsSpan(name + 1).StartsWith("instance-");
    }

    public override string ToString() => Value;
}

/// <summary>Id of a node, made by its agent at first start and kept in the agent's work directory.</summary>
public readonly record struct AgentId(string Value) : IComparable<AgentId>
{
    public int CompareTo(AgentId other) => string.CompareOrdinal(Value, other.Value);
    public override string ToString() => Value;
}

/// <summary>UUID of a deployment.</summary>
public readonly record struct DeploymentId(string Value) : IComparable<DeploymentId>
{
    public int CompareTo(DeploymentId other) => string.CompareOrdinal(Value, other.Value);
    public override string ToString() => Value;
}
