using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Nodes;

/// <summary>Reads <see cref="NodeDrainRequest"/>; no body means no deadline.</summary>
internal static class DrainBody
{
    private const double MaxSeconds = 30 * 24 * 3600;

    /// <summary>Throws <see cref="ApiException"/> (400, 422).</summary>
    public static async Task<(TimeSpan? Deadline, bool IncludeResident)> ReadAsync(HttpContext http)
    {
        var bytes = await RequestBody.ReadBytesAsync(http);
        if (bytes.Length == 0)
        {
            return (null, false);
        }
        using var body = RequestBody.Parse(bytes);
        if (body.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new ApiException(ApiErrors.InvalidObject("/", "must be an object such as {\"deadlineSeconds\": 600}"));
        }
        TimeSpan? deadline = null;
        var includeResident = false;
        foreach (var member in body.RootElement.EnumerateObject())
        {
            switch (member.Name)
            {
                case "deadlineSeconds" when member.Value.ValueKind == JsonValueKind.Null:
                    break;
                case "deadlineSeconds":
                    deadline = member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetDouble(out var seconds) && seconds is >= 0 and <= MaxSeconds
                        ? TimeSpan.FromSeconds(seconds)
                        : throw new ApiException(ApiErrors.InvalidObject("/deadlineSeconds", $"must be a number of seconds, from 0 to {MaxSeconds}"));
                    break;
                case "includeResident" when member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                    includeResident = member.Value.GetBoolean();
                    break;
                case "includeResident":
                    throw new ApiException(ApiErrors.InvalidObject("/includeResident", "must be true or false"));
                default:
                    throw new ApiException(ApiErrors.InvalidObject($"/{member.Name}", "unknown; deadlineSeconds and includeResident are known"));
            }
        }
        return (deadline, includeResident);
    }
}
