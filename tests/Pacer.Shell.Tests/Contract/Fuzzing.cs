using System.Globalization;

namespace Pacer.Shell.Tests.Contract;

/// <summary>How much is drawn: little in the ordinary run, as much as wanted with <c>PACER_FUZZ</c>.</summary>
internal static class Fuzzing
{
    public static int Scale { get; } =
        Environment.GetEnvironmentVariable("PACER_FUZZ") is { Length: > 0 } given ? Math.Max(1, int.Parse(given, CultureInfo.InvariantCulture)) : 1;
}
