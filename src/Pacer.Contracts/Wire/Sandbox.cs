namespace Pacer.Contracts.Wire;

/// <summary>A file or directory in a task's sandbox.</summary>
public sealed class SandboxEntry
{
    /// <summary>Relative to the sandbox.</summary>
    public string? Path { get; set; }

    /// <summary>Bytes.</summary>
    public long Size { get; set; }

    /// <summary>Last change, in seconds of Unix time.</summary>
    public long Mtime { get; set; }

    /// <summary>As in "drwxr-xr-x".</summary>
    public string? Mode { get; set; }
    public string? Uid { get; set; }
    public string? Gid { get; set; }
    public int Nlink { get; set; }
}

/// <summary>Part of a file. With a wanted offset of -1, no data and the file's size as offset.</summary>
public sealed class SandboxData
{
    public string? Data { get; set; }
    public long Offset { get; set; }
}

/// <summary>JSON of a control frame of an exec WebSocket (first byte 3), in either direction; one member is set.</summary>
public sealed class ExecControl
{
    /// <summary>Client: the terminal has a new size.</summary>
    public ExecResize? Resize { get; set; }

    /// <summary>Client: end of standard input.</summary>
    public bool? CloseInput { get; set; }

    /// <summary>Server, last: how the command ended.</summary>
    public int? ExitCode { get; set; }

    /// <summary>Server, last: why it could not run or go on.</summary>
    public string? Error { get; set; }
}

public sealed class ExecResize
{
    public int Rows { get; set; }
    public int Columns { get; set; }
}

public sealed class LeaderName
{
    /// <summary><c>HOST:PORT</c>.</summary>
    public string? Leader { get; set; }
}
