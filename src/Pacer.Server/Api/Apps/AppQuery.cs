using Microsoft.AspNetCore.Http;

namespace Pacer.Server.Api.Apps;

/// <summary>Query flags as Marathon reads them: "true" in any case is true, everything else is false.</summary>
internal static class AppQuery
{
    public static bool Flag(HttpContext http, string name, bool absent = false) =>
        http.Request.Query.TryGetValue(name, out var values) && values.Count > 0
            ? "true".Equals(values[^1], StringComparison.OrdinalIgnoreCase)
            : absent;

    public static string? Text(HttpContext http, string name) =>
        http.Request.Query.TryGetValue(name, out var values) && values.Count > 0 && !string.IsNullOrEmpty(values[^1]) ? values[^1] : null;
}
