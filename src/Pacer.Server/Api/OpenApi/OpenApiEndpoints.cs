using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.OpenApi;

/// <summary>The document about the API, and a page to read and try it. Both are part of the executable; nothing is fetched from elsewhere.</summary>
internal static class OpenApiEndpoints
{
    private static readonly Lazy<byte[]> Page = new(ReadPage);

    public static void Map(WebApplication app)
    {
        app.MapMethods("/openapi.json", ["GET", "HEAD"], ApiRoute.Guard(http => ApiResponse.WriteBytesAsync(http, 200, OpenApiDocument.Json)));
        app.MapMethods("/docs", ["GET", "HEAD"], ApiRoute.Guard(WritePageAsync));
    }

    private static async Task WritePageAsync(HttpContext http)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = Page.Value.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(Page.Value, http.RequestAborted);
        }
    }

    private static byte[] ReadPage()
    {
        using var stream = typeof(OpenApiEndpoints).Assembly.GetManifestResourceStream("docs.html")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
