using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Responses;

/// <summary>Stops a handler with a refusal from deep inside its reading of the request.</summary>
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error { get; } = error;
}

/// <summary>Wraps handlers so that whatever goes wrong is answered in the API's own shape.</summary>
internal static partial class ApiRoute
{
    /// <summary>The handler, with refusals, a store that can't commit, aborted requests and bugs turned into answers.</summary>
    public static RequestDelegate Guard(RequestDelegate handler) => async http =>
    {
        ApiError error;
        try
        {
            await handler(http);
            return;
        }
        catch (ApiException refused)
        {
            error = refused.Error;
        }
        catch (StoreUnavailableException unavailable)
        {
            error = ApiErrors.StoreUnavailable(unavailable.Message);
        }
        catch (BadHttpRequestException bad)
        {
            error = new ApiError(bad.StatusCode, bad.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception bug) when (!http.Response.HasStarted)
        {
            var logger = http.RequestServices?.GetService<ILoggerFactory>()?.CreateLogger("Pacer.Api");
            if (logger is not null)
            {
                LogFailed(logger, http.Request.Method, http.Request.Path, bug);
            }
            error = ApiErrors.Internal();
        }
        if (!http.Response.HasStarted)
        {
            await ApiResponse.WriteErrorAsync(http, error);
        }
    };

    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, string method, string path, Exception exception);
}
