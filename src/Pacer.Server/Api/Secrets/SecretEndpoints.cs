using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;
using Pacer.Server.Secrets;

namespace Pacer.Server.Api.Secrets;

/// <summary>
/// Stored secrets (not part of Marathon's API): put, listed and removed, never read. The content is a JSON member <c>value</c>, or with
/// another content type the body itself.
/// </summary>
internal static class SecretEndpoints
{
    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        var store = app.Services.GetRequiredService<SecretStore>();
        app.MapGet("/v2/secrets", ApiRoute.Guard(http => ApiResponse.WriteAsync(
            http, 200, new SecretList { Secrets = [.. loop.State.Secrets.Values.Select(Render)] }, ClusterJson.Plain.SecretList)));
        app.MapGet("/v2/secrets/{**name}", ApiRoute.Guard(http =>
        {
            var name = NameOf(http);
            return loop.State.Secrets.TryGetValue(name, out var secret)
                ? ApiResponse.WriteAsync(http, 200, Render(secret), ClusterJson.Plain.SecretInfo)
                : ApiResponse.WriteErrorAsync(http, ApiErrors.SecretNotFound(name));
        }));
        app.MapPut("/v2/secrets/{**name}", ApiRoute.Guard(async http =>
        {
            var name = NameOf(http);
            var content = await ContentAsync(http);
            if (content.Length > SecretStore.MaxBytes)
            {
                throw new ApiException(ApiErrors.Unprocessable($"A secret has at most {SecretStore.MaxBytes / 1024} KiB; this one has {content.Length / 1024} KiB."));
            }
            if (content.Length == 0)
            {
                throw new ApiException(ApiErrors.InvalidObject("/value", "must hold something"));
            }
            var isNew = !loop.State.Secrets.ContainsKey(name);
            var result = await loop.SubmitAsync(request => new Input.PutSecret(request, name, Seal(store, name, content)), http.RequestAborted);
            if (result is CommandResult.Done && loop.State.Secrets.TryGetValue(name, out var stored))
            {
                await ApiResponse.WriteAsync(http, isNew ? 201 : 200, Render(stored), ClusterJson.Plain.SecretInfo);
                return;
            }
            await CommandResults.WriteAsync(http, result);
        }));
        app.MapDelete("/v2/secrets/{**name}", ApiRoute.Guard(async http =>
        {
            var name = NameOf(http);
            await CommandResults.WriteAsync(http, await loop.SubmitAsync(request => new Input.RemoveSecret(request, name), http.RequestAborted));
        }));
    }

    private static SecretInfo Render(SealedSecret secret) => new() { Name = secret.Name, Version = secret.Version.ToString() };

    private static string NameOf(HttpContext http) =>
        SecretName.Normalize((string?)http.GetRouteValue("name") ?? "", out var problem)
        ?? throw new ApiException(ApiErrors.Unprocessable(char.ToUpperInvariant(problem![0]) + problem[1..] + "."));

    private static string Seal(SecretStore store, string name, ReadOnlyMemory<byte> content)
    {
        try
        {
            return store.Seal(name, content.Span);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ApiException(ApiErrors.StoreUnavailable("The key that secrets are sealed with could not be written to the data directory. Nothing was stored."));
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ContentAsync(HttpContext http)
    {
        var type = http.Request.ContentType;
        if (type is not null && !type.Contains("json", StringComparison.OrdinalIgnoreCase))
        {
            return await RequestBody.ReadBytesAsync(http);
        }
        using var body = await RequestBody.ReadJsonAsync(http);
        return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("value", out var value)
            && value.ValueKind == JsonValueKind.String
                ? Encoding.UTF8.GetBytes(value.GetString()!)
                : throw new ApiException(ApiErrors.InvalidObject("/value", "must be a text: {\"value\": \"…\"}; or send the content itself as application/octet-stream"));
    }
}
