namespace Pacer.Agent.Containers;

/// <summary>A container's environment as the kernel takes it.</summary>
internal static class ContainerEnvironment
{
    /// <summary>Adds PATH and HOME (the sandbox: the one place that is surely writable) unless given; sorted, so that it is stable.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyDictionary<string, string> given, string sandbox)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = CommandLookup.DefaultPath, ["HOME"] = sandbox };
        foreach (var (name, value) in given)
        {
            all[name] = value;
        }

        return [.. all.Where(e => IsValid(e.Key, e.Value)).Select(e => $"{e.Key}={e.Value}")];
    }

    /// <summary>Later names win over earlier ones.</summary>
    public static IReadOnlyList<string> Merge(IReadOnlyList<string> basis, IReadOnlyDictionary<string, string>? changes) =>
        changes is null
            ? basis
            : [.. basis.Where(e => !changes.ContainsKey(NameOf(e))), .. changes.Where(e => IsValid(e.Key, e.Value)).Select(e => $"{e.Key}={e.Value}")];

    public static string? Value(IReadOnlyList<string> environment, string name) =>
        environment.LastOrDefault(e => e.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];

    private static string NameOf(string entry) => entry[..Math.Max(0, entry.IndexOf('='))];

    // The kernel ends a string at the first zero byte, and a name with "=" would become another variable.
    private static bool IsValid(string name, string value) =>
        name.Length > 0 && !name.Contains('=') && !name.Contains('\0') && !value.Contains('\0');
}
