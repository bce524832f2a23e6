using System.Globalization;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api;

/// <summary>Reads query parameters; a value that makes no sense is refused instead of ignored.</summary>
internal static class Query
{
    /// <summary>A bare name (<c>?force</c>) means true.</summary>
    public static bool Flag(HttpContext http, string name, bool absent = false)
    {
        if (!http.Request.Query.TryGetValue(name, out var values))
        {
            return absent;
        }
        return values[^1] switch
        {
            null or "" => true,
            { } text when bool.TryParse(text, out var flag) => flag,
            { } text => throw new ApiException(ApiErrors.BadRequest($"The query parameter {name} must be true or false, not '{text}'.")),
        };
    }

    public static long Number(HttpContext http, string name, long absent)
    {
        if (!http.Request.Query.TryGetValue(name, out var values))
        {
            return absent;
        }
        return long.TryParse(values[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ApiException(ApiErrors.BadRequest($"The query parameter {name} must be a whole number, not '{values[^1]}'."));
    }
}
