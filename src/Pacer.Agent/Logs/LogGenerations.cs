namespace Pacer.Agent.Logs;

/// <summary>
/// Counts how often a task's logs were rotated. A reader that follows a log holds <see cref="Gate"/> while it reads a part, sees by
/// the count that its file became <c>stdout.1</c> meanwhile, and finishes that before it goes on with the new one.
/// </summary>
internal sealed class LogGenerations
{
    public Lock Gate { get; } = new();

    public int Stdout { get; set; }

    public int Stderr { get; set; }

    /// <summary>0 for files that are never rotated.</summary>
    public int Of(string name) => name switch
    {
        "stdout" => Stdout,
        "stderr" => Stderr,
        _ => 0,
    };
}
