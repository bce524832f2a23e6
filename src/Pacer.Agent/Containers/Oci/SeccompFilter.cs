namespace Pacer.Agent.Containers.Oci;

/// <summary>A system call filter, shared by all containers that have the same one.</summary>
/// <param name="json">The value of <c>linux.seccomp</c>.</param>
internal sealed class SeccompFilter(ReadOnlyMemory<byte> json)
{
    /// <summary>An annotation by which crun takes a filter as the kernel does, in base64, instead of making one out of <c>linux.seccomp</c>.</summary>
    public const string Annotation = "run.oci.seccomp_bpf_data";

    private volatile string? _compiled;

    public ReadOnlyMemory<byte> Json => json;

    /// <summary>
    /// What crun made of it the first time, for <see cref="Annotation"/>: making it takes longer than the rest of a container together.
    /// Null: nothing has been made of it yet, or by a runtime that leaves none.
    /// </summary>
    public string? Compiled => _compiled;

    /// <summary>Learns it from the state directory of a container that was made with it.</summary>
    public void LearnFrom(string runtimeState)
    {
        if (_compiled is not null)
        {
            return;
        }
        try
        {
            // crun keeps it there for what is executed in the container later.
            _compiled = File.ReadAllBytes($"{runtimeState}/seccomp.bpf") is { Length: > 0 } filter ? Convert.ToBase64String(filter) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then the next container's is made anew.
        }
    }
}
