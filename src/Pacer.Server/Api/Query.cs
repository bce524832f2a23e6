using System.Globalization;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api;

/// <summary>Query parameters of Pacer's own endpoints: a value that makes no sense is refused instead of ignored.</summary>
internal static class Query
{
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
