using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Server.Agents;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Files;

/// <summary>A task's sandbox, read through its node (not part of Marathon's API; shapes as in Mesos' /files).</summary>
internal static class FileEndpoints
{
    private const int MaxReadBytes = 64 * 1024;

    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        var sessions = app.Services.GetRequiredService<IAgentSessions>();
        Map(app, "browse", loop, sessions, BrowseAsync);
        Map(app, "read", loop, sessions, ReadAsync);
        Map(app, "download", loop, sessions, DownloadAsync);
        Map(app, "follow", loop, sessions, FollowAsync);
    }

    private static void Map(
        WebApplication app, string verb, IClusterLoop loop, IAgentSessions sessions, Func<HttpContext, SandboxReader, Task> handler) =>
        app.MapGet("/v2/tasks/{taskId}/files/" + verb, ApiRoute.Guard(
            http => handler(http, new SandboxReader(sessions, TaskLocation.Find(http, loop.State), http.RequestAborted))));

    private static async Task BrowseAsync(HttpContext http, SandboxReader sandbox)
    {
        var entries = new List<SandboxEntry>();
        await foreach (var message in sandbox.OpenAsync(new OpenSession { Browse = new BrowseFiles { Path = FilePath(http, "") } }))
        {
            foreach (var entry in message.Entries?.Entries ?? [])
            {
                entries.Add(new SandboxEntry
                {
                    Path = entry.Path,
                    Size = entry.Size,
                    Mtime = entry.MtimeS,
                    Mode = entry.Mode,
                    Uid = entry.Uid,
                    Gid = entry.Gid,
                    Nlink = entry.Nlink,
                });
            }
        }
        await ApiResponse.WriteAsync(http, 200, entries, ClusterJson.Plain.ListSandboxEntry);
    }

    private static async Task ReadAsync(HttpContext http, SandboxReader sandbox)
    {
        var offset = Query.Number(http, "offset", -1);
        var wanted = Query.Number(http, "length", -1);
        if (offset < -1 || wanted < -1)
        {
            throw new ApiException(ApiErrors.BadRequest("offset and length must be -1 or more."));
        }
        var length = offset == -1 ? 0 : wanted == -1 ? MaxReadBytes : Math.Min(wanted, MaxReadBytes);
        var request = new ReadFile { Path = FilePath(http), Offset = Math.Max(offset, 0), Length = length };
        var data = new MemoryStream((int)length);
        var size = 0L;
        await foreach (var message in sandbox.OpenAsync(new OpenSession { Read = request }))
        {
            if (message.BodyCase == SessionMessage.BodyOneofCase.Size)
            {
                size = message.Size;
            }
            message.Data?.WriteTo(data);
        }
        var bytes = data.GetBuffer().AsSpan(0, (int)data.Length);
        await ApiResponse.WriteAsync(
            http, 200,
            new SandboxData { Data = Encoding.UTF8.GetString(WholeCharacters(bytes)), Offset = offset == -1 ? size : offset },
            ClusterJson.Plain.SandboxData);
    }

    // offset (below 0: from the end) and length pick a part, raw and of any size; without them it is the whole file as in Mesos.
    private static async Task DownloadAsync(HttpContext http, SandboxReader sandbox)
    {
        var path = FilePath(http);
        var (offset, length) = (Query.Number(http, "offset", 0), Query.Number(http, "length", -1));
        if (length < -1)
        {
            throw new ApiException(ApiErrors.BadRequest("length must be -1 or more."));
        }
        var name = path[(path.LastIndexOf('/') + 1)..];
        var headers = http.Response.Headers;
        await CopyAsync(http, sandbox, new ReadFile { Path = path, Offset = offset, Length = length }, flushEach: false, size =>
        {
            http.Response.ContentType = ContentTypes.Of(name);
            headers.ContentDisposition = $"attachment; filename*=UTF-8''{Uri.EscapeDataString(name)}";
        });
    }

    private static Task FollowAsync(HttpContext http, SandboxReader sandbox)
    {
        // Sent as text without a charset of its own: what a task writes is its own affair.
        var request = new ReadFile { Path = FilePath(http), Offset = Query.Number(http, "offset", 0), Length = -1, Follow = true };
        return CopyAsync(http, sandbox, request, flushEach: true, _ => http.Response.ContentType = "text/plain");
    }

    /// <summary>Sends the file as it comes; headers are set once the node has found the file.</summary>
    private static async Task CopyAsync(HttpContext http, SandboxReader sandbox, ReadFile request, bool flushEach, Action<long> setHeaders)
    {
        var body = http.Response.BodyWriter;
        try
        {
            await foreach (var message in sandbox.OpenAsync(new OpenSession { Read = request }))
            {
                if (!http.Response.HasStarted)
                {
                    setHeaders(message.Size);
                    await http.Response.StartAsync(http.RequestAborted);
                    await body.FlushAsync(http.RequestAborted);
                }
                if (message.Data is { Length: > 0 } data)
                {
                    data.Span.CopyTo(body.GetSpan(data.Length));
                    body.Advance(data.Length);
                    if (flushEach || body.UnflushedBytes >= MaxReadBytes)
                    {
                        await body.FlushAsync(http.RequestAborted);
                    }
                }
            }
            if (!http.Response.HasStarted)
            {
                setHeaders(0);
            }
        }
        catch (ApiException) when (http.Response.HasStarted)
        {
            // Too late for a status: a cut connection tells the client that the rest is missing.
            http.Abort();
        }
    }

    private static string FilePath(HttpContext http, string? absent = null)
    {
        var path = (http.Request.Query["path"].FirstOrDefault() ?? absent)?.TrimStart('/');
        return path is { Length: > 0 } || absent is not null
            ? path!
            : throw new ApiException(ApiErrors.BadRequest("The query parameter path is missing: name a file of the sandbox, as in ?path=stdout."));
    }

    /// <summary>Leaves a character that continues after the end for the next read, so that it does not come out broken.</summary>
    private static ReadOnlySpan<byte> WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= 3 && back < bytes.Length; back++)
        {
            var b = bytes[^back];
            if (b >= 0xC0)
            {
                var needed = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
                return needed > back ? bytes[..^back] : bytes;
            }
            if (b < 0x80)
            {
                break;
            }
        }
        return bytes;
    }
}
