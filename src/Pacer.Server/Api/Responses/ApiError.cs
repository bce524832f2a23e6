using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Responses;

/// <summary>A refusal, ready to be written: status and Marathon's error body (marathon-api.md §1.2).</summary>
internal sealed record ApiError(int Status, string Message)
{
    /// <summary>What is wrong where; for syntax errors <see cref="DetailText"/> is set instead.</summary>
    public IReadOnlyList<ErrorDetail>? Details { get; init; }
    public string? DetailText { get; init; }

    /// <summary>Ids of the deployments in the way.</summary>
    public IReadOnlyList<string>? Deployments { get; init; }

    /// <summary>After this many seconds a repetition may succeed.</summary>
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>All refusals of the API, in Marathon's words where it has some.</summary>
internal static class ApiErrors
{
    public static ApiError BadRequest(string message) => new(400, message);

    public static ApiError InvalidSyntax(string detail) => new(400, "Invalid JSON") { DetailText = detail };

    public static ApiError NoBody(string detail) => new(400, "Please specify data in JSON format") { DetailText = detail };

    public static ApiError BodyTooLarge(long limitBytes) =>
        new(413, $"The request body is too large: at most {limitBytes / (1024 * 1024)} MiB are accepted.");

    public static ApiError InvalidJson(IReadOnlyList<ErrorDetail> details) => new(422, "Invalid JSON") { Details = details };

    public static ApiError InvalidObject(IReadOnlyList<ErrorDetail> details) => new(422, "Object is not valid") { Details = details };

    public static ApiError InvalidObject(string path, string error) => InvalidObject([new ErrorDetail { Path = path, Errors = [error] }]);

    /// <summary>A precondition that has no place in the body: a selector, a timestamp, a clash of old and new fields.</summary>
    public static ApiError Unprocessable(string message) => new(422, message);

    public static ApiError AppNotFound(string id, string? version = null) =>
        new(404, version is null ? $"App '{id}' does not exist" : $"App '{id}' does not exist in version {version}");

    public static ApiError PodNotFound(string id, string? version = null) =>
        new(404, version is null ? $"Pod '{id}' does not exist" : $"Pod '{id}' does not exist in version {version}");

    /// <summary>A single pod that is asked for is told missing in JSON within the message, as in Marathon.</summary>
    public static ApiError PodNotFoundAsText(string id) => new(404, $$"""{"message": "pod with {{id}} does not exist"}""");

    public static ApiError PathNotFound(string path) => new(404, $"Path '{path}' does not exist");

    public static ApiError PodExists(string id) => new(409, $"A pod with id [{id}] already exists.");

    public static ApiError GroupNotFound(string id, string? version = null) =>
        new(404, version is null ? $"Group '{id}' does not exist" : $"Group '{id}' does not exist in version {version}");

    public static ApiError TaskNotFound(string id) => new(404, $"Task '{id}' does not exist");

    public static ApiError DeploymentNotFound(string id) => new(404, $"DeploymentPlan {id} does not exist");

    public static ApiError SecretNotFound(string name) => new(404, $"Secret '{name}' does not exist");

    public static ApiError NodeNotFound(string id) => new(404, $"Node '{id}' does not exist");

    public static ApiError NodeConnected(string hostname) =>
        new(409, $"Node '{hostname}' is in contact and would be back at once. Stop its agent first, then remove it.");

    public static ApiError NotQueued(string id) => new(404, $"Application {id} not found in tasks queue.");

    public static ApiError RouteNotFound() => new(404, "URI not found");

    public static ApiError MethodNotAllowed() => new(405, "Method Not Allowed");

    public static ApiError NotAcceptable() => new(406, "Not Acceptable");

    public static ApiError UnsupportedMediaType() => new(415, "Unsupported Media Type");

    public static ApiError AppExists(string id) => new(409, $"An app with id [{id}] already exists.");

    public static ApiError GroupExists(string id) => new(409, $"Group {id} is already created. Use PUT to change this group.");

    public static ApiError AppWithPathExists(string id) => new(409, $"An app with the path {id} already exists.");

    public static ApiError Locked(IReadOnlyList<string> deployments) =>
        new(409, "App is locked by one or more deployments. Override with the option '?force=true'. "
            + "View details at '/v2/deployments/<DEPLOYMENT_ID>'.") { Deployments = deployments };

    public static ApiError TooManyDeployments(int limit) =>
        new(403, $"Max number ({limit}) of running deployments is achieved. Wait for existing deployments to complete or cancel one "
            + "using force=true parameter.");

    public static ApiError ServicePortsExhausted(int min, int max) =>
        new(422, $"All ports in the range [{min}-{max}] are already in use. Remove apps that hold service ports, or give ports explicitly.");

    public static ApiError Contended() =>
        new(503, "Other changes of the same apps kept getting in the way. Nothing was changed; try again.") { RetryAfterSeconds = 1 };

    public static ApiError StoreUnavailable(string reason) => new(503, reason) { RetryAfterSeconds = 5 };

    public static ApiError Internal() => new(500, "The server failed to handle this request. Its log says more.");
}
