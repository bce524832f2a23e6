namespace Pacer.Server.Api.Json;

/// <summary>Guesses which known word a misspelt one was meant to be.</summary>
internal static class Spelling
{
    private const int LongestWord = 64;

    /// <summary>The nearest of <paramref name="known"/>, case aside; null when none is near enough to be a slip.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > LongestWord)
        {
            return null;
        }
        string? best = null;
        var bestDistance = 1 + (word.Length <= 3 ? 1 : word.Length <= 7 ? 2 : 3);
        foreach (var candidate in known)
        {
            var distance = Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant(), bestDistance);
            if (distance < bestDistance)
            {
                best = candidate;
                bestDistance = distance;
            }
        }
        return best;
    }

    // Optimal string alignment: a swap of neighbours is one slip, as it is for fingers.
    private static int Distance(string a, string b, int limit)
    {
        if (Math.Abs(a.Length - b.Length) >= limit)
        {
            return limit;
        }
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            rows[i, 0] = i;
        }
        for (var j = 0; j <= b.Length; j++)
        {
            rows[0, j] = j;
        }
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                var distance = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    distance = Math.Min(distance, rows[i - 2, j - 2] + 1);
                }
                rows[i, j] = distance;
            }
        }
        return rows[a.Length, b.Length];
    }
}
