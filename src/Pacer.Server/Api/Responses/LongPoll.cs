using Microsoft.AspNetCore.Http;

namespace Pacer.Server.Api.Responses;

/// <summary>How long a read may wait for something new: <c>wait=SECONDS</c>, with <c>If-None-Match</c> or <c>index=N</c> as what is known.</summary>
/// <param name="Index">The state's index that the client has seen; null when it goes by its tag.</param>
internal sealed record LongPoll(TimeSpan Wait, long? Index)
{
    public const string WaitName = "wait";
    public const string IndexName = "index";

    /// <summary>The index of the state that an answer was made from.</summary>
    public const string IndexHeader = "X-Pacer-Index";

    private const int MaxSeconds = 300;

    /// <summary>Null when the request wants its answer at once. Throws <see cref="ApiException"/> (400).</summary>
    public static LongPoll? Read(HttpContext http)
    {
        if (!http.Request.QueryString.HasValue || !http.Request.Query.ContainsKey(WaitName))
        {
            return null;
        }
        var seconds = Query.Number(http, WaitName, 0);
        if (seconds is < 0 or > MaxSeconds)
        {
            throw new ApiException(ApiErrors.BadRequest($"The query parameter {WaitName} must be 0 to {MaxSeconds} seconds, not {seconds}."));
        }
        var index = http.Request.Query.ContainsKey(IndexName) ? Query.Number(http, IndexName, 0) : (long?)null;
        return new LongPoll(TimeSpan.FromSeconds(seconds), index);
    }
}
