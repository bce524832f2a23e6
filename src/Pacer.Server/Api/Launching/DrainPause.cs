using System.Globalization;

namespace Pacer.Server.Api.Launching;

/// <summary>
/// How long a task that is told to end goes on before it hears of it. Meanwhile it is TASK_KILLING for everybody else, so that balancers
/// have stopped sending it requests when SIGTERM closes its port.
/// </summary>
internal static class DrainPause
{
    /// <summary>Label that says it, in seconds; 0 for none.</summary>
    public const string Label = "PACER_LB_DRAIN_SECONDS";

    private const long Standard = 500;
    private const double Longest = 3600;

    /// <returns>Milliseconds; 0 for tasks that no balancer publishes.</returns>
    public static long Milliseconds(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is null)
        {
            return 0;
        }
        if (labels.TryGetValue(Label, out var text) && double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= Longest)
        {
            return (long)(seconds * 1000);
        }
        return labels.Keys.Any(IsGroup) ? Standard : 0;
    }

    // HAPROXY_GROUP, or HAPROXY_{n}_GROUP
    private static bool IsGroup(string label) =>
        label == "HAPROXY_GROUP"
        || (label.StartsWith("HAPROXY_", StringComparison.Ordinal) && label.EndsWith("_GROUP", StringComparison.Ordinal) && label.Length > 14
            && label.AsSpan(8, label.Length - 14).IndexOfAnyExceptInRange('0', '9') < 0);
}
