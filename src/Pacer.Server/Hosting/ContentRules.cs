using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Hosting;

/// <summary>What media types requests may name: the API speaks JSON. Endpoints with other types choose for themselves.</summary>
internal static class ContentRules
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>The refusal (406, 415) that the request's headers ask for; null: none.</summary>
    public static ApiError? Refuse(HttpRequest request)
    {
        if (!request.Path.StartsWithSegments("/v2", StringComparison.Ordinal))
        {
            return null;
        }
        if (request.ContentType is { Length: > 0 } given && request.ContentLength != 0 && MayHaveBody(request.Method) && !IsJson(given)
            // A secret is bytes, of any type.
            && !request.Path.StartsWithSegments("/v2/secrets", StringComparison.Ordinal))
        {
            return ApiErrors.UnsupportedMediaType();
        }
        return request.Headers.Accept.Count == 0 || ChoosesItself(request.Path) || AcceptsJson(request) ? null : ApiErrors.NotAcceptable();
    }

    private static bool MayHaveBody(string method) =>
        HttpMethods.IsPost(method) || HttpMethods.IsPut(method) || HttpMethods.IsPatch(method) || HttpMethods.IsDelete(method);

    private static bool IsJson(string contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type) && type.IsSubsetOf(Json);

    // Events are a stream, files are of any type, and lists of tasks have a text form.
    private static bool ChoosesItself(PathString path) => path.Value is { } text
        && (text.StartsWith("/v2/events", StringComparison.Ordinal) || text.StartsWith("/v2/tasks", StringComparison.Ordinal)
            || text.EndsWith("/tasks", StringComparison.Ordinal));

    private static bool AcceptsJson(HttpRequest request)
    {
        foreach (var value in request.Headers.Accept)
        {
            // The two forms that nearly every client sends.
            if (value is "*/*" or "application/json")
            {
                return true;
            }
        }
        var types = request.GetTypedHeaders().Accept;
        return types.Count == 0 || types.Any(type => type.Quality != 0 && Json.IsSubsetOf(type));
    }
}
