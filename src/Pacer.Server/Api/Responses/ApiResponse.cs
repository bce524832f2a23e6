using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Responses;

/// <summary>Writes answers: JSON bodies by source-generated types or ready bytes, errors, and the headers that clients look for.</summary>
internal static class ApiResponse
{
    public const string DeploymentIdHeader = "Marathon-Deployment-Id";
    public const string WarningHeader = "X-Pacer-Warning";

    /// <summary>Longest list of warnings sent: headers are limited, and nobody reads more.</summary>
    private const int MaxWarnings = 50;
    private const int MaxWarningLength = 200;

    public static Task WriteAsync<T>(HttpContext http, int status, T body, JsonTypeInfo<T> type)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, type);
        return WriteBytesAsync(http, status, bytes);
    }

    /// <summary>Writes a body that is JSON already.</summary>
    public static async Task WriteBytesAsync(HttpContext http, int status, ReadOnlyMemory<byte> json)
    {
        Prepare(http, status);
        http.Response.ContentLength = json.Length;
        await SendAsync(http, json);
    }

    /// <summary>Status and headers of an answer in JSON.</summary>
    public static void Prepare(HttpContext http, int status)
    {
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        Compression.Vary(http);
        ForbidCaching(http);
    }

    /// <summary>Writes a whole text.</summary>
    public static Task WriteTextAsync(HttpContext http, string contentType, ReadOnlyMemory<byte> text)
    {
        http.Response.ContentType = contentType;
        http.Response.ContentLength = text.Length;
        Compression.Vary(http);
        return SendAsync(http, text);
    }

    private static async Task SendAsync(HttpContext http, ReadOnlyMemory<byte> body)
    {
        if (body.Length >= Compression.SmallestBytes && Compression.IsAccepted(http))
        {
            var gzip = Compression.Begin(http);
            if (!HttpMethods.IsHead(http.Request.Method))
            {
                await gzip.WriteAsync(body, http.RequestAborted);
                await gzip.DisposeAsync();
            }
            return;
        }
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }

    public static Task WriteEmptyAsync(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        ForbidCaching(http);
        return Task.CompletedTask;
    }

    public static Task WriteErrorAsync(HttpContext http, ApiError error)
    {
        if (error.Status == StatusCodes.Status405MethodNotAllowed && http.Features.Get<MethodQuestion>() is not null)
        {
            http.Response.StatusCode = error.Status;
            return Task.CompletedTask;
        }
        // A refusal is none of the representations that the tag stands for.
        http.Response.Headers.ETag = default;
        if (error.RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        var body = new ErrorBody
        {
            Message = error.Message,
            Details = error.Details is { } details ? JsonSerializer.SerializeToElement([.. details], WireJson.Plain.ListErrorDetail)
                : error.DetailText is { } text ? JsonSerializer.SerializeToElement(text, WireJson.Plain.String)
                : null,
            Deployments = error.Deployments?.Select(id => new Identifiable { Id = id }).ToList(),
        };
        return WriteAsync(http, error.Status, body, WireJson.Plain.ErrorBody);
    }

    /// <summary>Body <c>{"version","deploymentId"}</c> with its header.</summary>
    public static Task WriteDeploymentAsync(HttpContext http, DeploymentId id, Timestamp version, int status = 200)
    {
        SetDeploymentId(http, id);
        return WriteAsync(
            http, status, new DeploymentResult { Version = version.ToString(), DeploymentId = id.Value }, WireJson.Plain.DeploymentResult);
    }

    public static void SetDeploymentId(HttpContext http, DeploymentId id) => http.Response.Headers[DeploymentIdHeader] = id.Value;

    /// <summary>Header of a created object: its id against the server's base address, not below <c>/v2</c> (as Marathon has it).</summary>
    public static void SetLocation(HttpContext http, string id) =>
        http.Response.Headers.Location = $"{http.Request.Scheme}://{http.Request.Host}{id}";

    /// <summary>One header value a warning, each once. Requests with warnings are carried out all the same.</summary>
    public static void AddWarnings(HttpContext http, IEnumerable<string> warnings)
    {
        var values = http.Response.Headers[WarningHeader].OfType<string>().Concat(warnings.Select(ToHeaderText)).Distinct().Take(MaxWarnings).ToArray();
        if (values.Length > 0)
        {
            http.Response.Headers[WarningHeader] = values;
        }
    }

    private static void ForbidCaching(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-cache, no-store, must-revalidate";
        headers.Pragma = "no-cache";
        headers.Expires = "0";
    }

    /// <summary>Header values are printable ASCII; the texts hold field names that users typed.</summary>
    private static string ToHeaderText(string text)
    {
        var builder = new StringBuilder(Math.Min(text.Length, MaxWarningLength));
        foreach (var c in text.Length <= MaxWarningLength ? text : text[..MaxWarningLength] + "...")
        {
            builder.Append(c is >= ' ' and <= '~' ? c : '?');
        }
        return builder.ToString();
    }
}
