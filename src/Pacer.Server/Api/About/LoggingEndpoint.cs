using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;
using Pacer.Server.Hosting;

namespace Pacer.Server.Api.About;

/// <summary><c>/logging</c>: the loggers with their levels; POST changes one, for a while or until the server ends.</summary>
internal static class LoggingEndpoint
{
    private const int MaxDurationSeconds = 30 * 24 * 3600;

    public static void Map(WebApplication app)
    {
        var log = app.Services.GetRequiredService<LogSwitch>();
        app.MapRead("/logging", http => ApiResponse.WriteBytesAsync(http, 200, Render(json =>
        {
            foreach (var (logger, level) in log.Levels())
            {
                json.WriteString(logger, level);
            }
        })));
        app.MapPost("/logging", ApiRoute.Guard(http => ChangeAsync(http, log)));
    }

    private static async Task ChangeAsync(HttpContext http, LogSwitch log)
    {
        using var body = await RequestBody.ReadJsonAsync(http);
        var root = body.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Invalid("/", "error.expected.jsobject");
        }
        var levelName = Text(root, "level");
        var logger = Text(root, "logger");
        var level = levelName.ToLowerInvariant() switch
        {
            "trace" => LogLevel.Trace,
            "debug" => LogLevel.Debug,
            "info" => LogLevel.Information,
            "warn" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => throw Invalid("/level", "error.unknown.enum.literal"),
        };
        if (logger.Length == 0)
        {
            throw new ApiException(ApiErrors.InvalidObject("/logger", "must not be empty"));
        }
        int? duration = null;
        if (root.TryGetProperty("durationSeconds", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.Number)
            {
                throw Invalid("/durationSeconds", "error.expected.jsnumber");
            }
            duration = given.TryGetInt32(out var seconds) && seconds is > 0 and <= MaxDurationSeconds
                ? seconds
                : throw new ApiException(ApiErrors.InvalidObject("/durationSeconds", $"must be a whole number of seconds from 1 to {MaxDurationSeconds}"));
        }
        log.Set(logger.Equals("root", StringComparison.OrdinalIgnoreCase) ? LogSwitch.Root : logger, level, duration is { } s ? TimeSpan.FromSeconds(s) : null);
        await ApiResponse.WriteBytesAsync(http, 200, Render(json =>
        {
            json.WriteString("level"u8, levelName.ToLowerInvariant());
            json.WriteString("logger"u8, logger);
            if (duration is { } validity)
            {
                json.WriteNumber("durationSeconds"u8, validity);
            }
        }));
    }

    private static string Text(JsonElement root, string name) =>
        !root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? throw Invalid("/" + name, "error.path.missing")
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw Invalid("/" + name, "error.expected.jsstring");

    private static ApiException Invalid(string path, string code) =>
        new(ApiErrors.InvalidJson([new ErrorDetail { Path = path, Errors = [code] }]));

    private static ReadOnlyMemory<byte> Render(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }
}
