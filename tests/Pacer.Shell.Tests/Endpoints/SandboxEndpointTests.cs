using System.Net;
using System.Net.WebSockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.ServerLink;
using Pacer.Shell.Tests.Loop;

namespace Pacer.Shell.Tests.Endpoints;

/// <summary>Files and exec: the server between a client and the node of a task.</summary>
public sealed class SandboxEndpointTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private TestAgent _agent = null!;
    private string _task = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _agent = await TestAgent.ConnectAsync(_server.Socket);
        await _server.SendAsync("POST", "/v2/apps", """{"id":"/hello","cmd":"sleep 100","cpus":0.1,"mem":32}""");
        _task = (await _agent.RunNextAsync()).TaskId;
        await Eventually.TrueAsync(async () => await _server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the task runs");
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static SessionMessage Data(string text) => new() { Data = ByteString.CopyFromUtf8(text) };

    private static SessionMessage End(string error = "", string kind = "", int exitCode = 0) =>
        new() { End = new SessionEnd { Error = error, ErrorKind = kind, ExitCode = exitCode } };

    [Fact]
    public async Task Read_PartOfAFile_IsGivenWithItsOffset()
    {
        var reading = _server.GetJsonAsync($"/v2/tasks/{_task}/files/read?path=/stdout&offset=3&length=100000");
        var (request, call) = await _agent.AcceptSessionAsync();
        Assert.Equal(("stdout", 3L, 65536L, false), (request.Read.Path, request.Read.Offset, request.Read.Length, request.Read.Follow));
        Assert.Equal(_task, request.TaskId);
        foreach (var message in new[] { new SessionMessage { Size = 9 }, Data("lo "), Data("you"), End() })
        {
            await call.RequestStream.WriteAsync(message);
        }
        var answer = await reading;
        Assert.Equal("lo you", answer.GetProperty("data").GetString());
        Assert.Equal(3, answer.GetProperty("offset").GetInt64());
    }

    [Fact]
    public async Task Statistics_HaveMesosNames_AndLeaveOutWhatIsUnknown()
    {
        var reading = _server.GetJsonAsync($"/v2/tasks/{_task}/statistics");
        var (request, call) = await _agent.AcceptSessionAsync();
        Assert.NotNull(request.Statistics);
        await call.RequestStream.WriteAsync(new SessionMessage
        {
            Statistics = new TaskStatistics { TimestampMs = 1500, CpuUserSeconds = 2, CpuLimit = 0.5, MemoryBytes = 1024, Processes = 3 },
        });
        await call.RequestStream.WriteAsync(End());
        Assert.Equal(
            """{"timestamp":1.5,"cpus_user_time_secs":2,"cpus_limit":0.5,"mem_total_bytes":1024,"processes":3}""", (await reading).GetRawText());
    }

    [Fact]
    public async Task Read_WithoutOffset_TellsTheSize()
    {
        var reading = _server.GetJsonAsync($"/v2/tasks/{_task}/files/read?path=stdout");
        var (_, call) = await _agent.AcceptSessionAsync();
        await call.RequestStream.WriteAsync(new SessionMessage { Size = 42 });
        await call.RequestStream.WriteAsync(End());
        var answer = await reading;
        Assert.Equal("", answer.GetProperty("data").GetString());
        Assert.Equal(42, answer.GetProperty("offset").GetInt64());
    }

    [Theory]
    [InlineData("not-found", HttpStatusCode.NotFound)]
    [InlineData("refused", HttpStatusCode.BadRequest)]
    [InlineData("failed", HttpStatusCode.InternalServerError)]
    public async Task Browse_NodeSaysNo_IsAnsweredWithItsReason(string kind, HttpStatusCode expected)
    {
        var browsing = _server.SendAsync("GET", $"/v2/tasks/{_task}/files/browse?path=x");
        var (_, call) = await _agent.AcceptSessionAsync();
        await call.RequestStream.WriteAsync(End("no such file: x", kind));
        var (status, body) = await browsing;
        Assert.Equal(expected, status);
        Assert.Equal("no such file: x", body.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Browse_Directory_ListsEntries()
    {
        var browsing = _server.GetJsonAsync($"/v2/tasks/{_task}/files/browse");
        var (_, call) = await _agent.AcceptSessionAsync();
        await call.RequestStream.WriteAsync(new SessionMessage
        {
            Entries = new FileEntries { Entries = { new FileEntry { Path = "stdout", Size = 7, Mode = "-rw-r--r--", Nlink = 1, Uid = "root", Gid = "root", MtimeS = 5 } } },
        });
        await call.RequestStream.WriteAsync(End());
        var entry = Assert.Single((await browsing).EnumerateArray());
        Assert.Equal("""{"path":"stdout","size":7,"mtime":5,"mode":"-rw-r--r--","uid":"root","gid":"root","nlink":1}""", entry.GetRawText());
    }

    [Fact]
    public async Task Download_Streams_AsAttachment()
    {
        var downloading = _server.Http.GetAsync($"/v2/tasks/{_task}/files/download?path=out/data.json");
        var (_, call) = await _agent.AcceptSessionAsync();
        await call.RequestStream.WriteAsync(new SessionMessage { Size = 2 });
        await call.RequestStream.WriteAsync(Data("{}"));
        await call.RequestStream.WriteAsync(End());
        using var response = await downloading;
        Assert.Equal("{}", await response.Content.ReadAsStringAsync());
        Assert.Equal("application/json", response.Content.Headers.ContentType?.ToString());
        Assert.Contains("data.json", response.Content.Headers.ContentDisposition?.ToString());
    }

    [Theory]
    [InlineData("", 0, -1)]
    [InlineData("&offset=70&length=10", 70, 10)]
    [InlineData("&offset=-5", -5, -1)]
    public async Task Download_OfAPart_AsksTheNodeForThatPart(string query, long offset, long length)
    {
        var downloading = _server.Http.GetAsync($"/v2/tasks/{_task}/files/download?path=stdout{query}");
        var (request, call) = await _agent.AcceptSessionAsync();
        Assert.Equal((offset, length), (request.Read.Offset, request.Read.Length));
        await call.RequestStream.WriteAsync(End());
        using var response = await downloading;
    }

    [Fact]
    public async Task Follow_GivesEveryPartAtOnce_AndEndsTheSessionWhenTheClientLeaves()
    {
        var following = _server.Http.GetAsync($"/v2/tasks/{_task}/files/follow?path=stdout&offset=-10", HttpCompletionOption.ResponseHeadersRead);
        var (request, call) = await _agent.AcceptSessionAsync();
        Assert.True(request.Read.Follow);
        Assert.Equal(-10, request.Read.Offset);
        await call.RequestStream.WriteAsync(new SessionMessage { Size = 0 });
        using (var response = await following)
        {
            var body = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[100];
            foreach (var line in new[] { "one\n", "two\n" })
            {
                await call.RequestStream.WriteAsync(Data(line));
                var read = await body.ReadAsync(buffer);
                Assert.Equal(line, Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        // The server ends the call, one way or another.
        try
        {
            Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)));
        }
        catch (RpcException)
        {
        }
    }

    [Fact]
    public async Task UnknownTask_AndUnreachableNode_AreToldApart()
    {
        var (status, body) = await _server.SendAsync("GET", "/v2/tasks/nobody.instance-1._app.1/files/browse");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal("Task 'nobody.instance-1._app.1' does not exist", body.GetProperty("message").GetString());

        await _agent.DisposeAsync();
        await _server.UntilNodeAsync("disconnected");
        (status, body) = await _server.SendAsync("GET", $"/v2/tasks/{_task}/files/browse");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("not in contact", body.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Exec_PumpsBothWays_AndEndsWithTheExitCode()
    {
        using var socket = new ClientWebSocket();
        var connecting = socket.ConnectAsync(
            new Uri($"ws://{_server.Host.HttpAddress}/v2/tasks/{_task}/exec?cmd=cat&cmd=-n&stdin=true&tty=true&rows=10&columns=20"), CancellationToken.None);
        var (request, call) = await _agent.AcceptSessionAsync();
        await connecting;
        Assert.Equal(["cat", "-n"], request.Exec.Command);
        Assert.Equal((true, true, 10, 20), (request.Exec.Tty, request.Exec.Stdin, request.Exec.Rows, request.Exec.Columns));

        await SendAsync(socket, 0, "hello");
        await SendAsync(socket, 3, """{"resize":{"rows":30,"columns":40}}""");
        await SendAsync(socket, 3, """{"closeInput":true}""");
        var seen = new List<SessionMessage>();
        while (seen.Count < 3)
        {
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            seen.Add(call.ResponseStream.Current);
        }
        Assert.Equal("hello", seen[0].Data.ToStringUtf8());
        Assert.Equal((30, 40), (seen[1].Resize.Rows, seen[1].Resize.Columns));
        Assert.True(seen[2].CloseInput);

        await call.RequestStream.WriteAsync(Data("out"));
        await call.RequestStream.WriteAsync(new SessionMessage { ErrorData = ByteString.CopyFromUtf8("err") });
        await call.RequestStream.WriteAsync(End(exitCode: 7));
        Assert.Equal("\u0001out", await ReceiveAsync(socket));
        Assert.Equal("\u0002err", await ReceiveAsync(socket));
        Assert.Equal("\u0003{\"exitCode\":7}", await ReceiveAsync(socket));
        Assert.Equal("close", await ReceiveAsync(socket));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    [Fact]
    public async Task Exec_ClientLeaves_EndsTheCommand()
    {
        AsyncDuplexStreamingCall<SessionMessage, SessionMessage> call;
        using (var socket = new ClientWebSocket())
        {
            var connecting = socket.ConnectAsync(new Uri($"ws://{_server.Host.HttpAddress}/v2/tasks/{_task}/exec?cmd=sh"), CancellationToken.None);
            (_, call) = await _agent.AcceptSessionAsync();
            await connecting;
            socket.Abort();
        }
        try
        {
            Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)));
        }
        catch (RpcException)
        {
        }
    }

    [Fact]
    public async Task Exec_WithoutWebSocket_SaysHow()
    {
        var (status, body) = await _server.SendAsync("GET", $"/v2/tasks/{_task}/exec?cmd=ls");
        Assert.Equal(HttpStatusCode.UpgradeRequired, status);
        Assert.Contains("pacer task exec", body.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Exec_TaskThatDoesNotRunYet_SaysSoWithoutWebSocketToo()
    {
        await _server.SendAsync("POST", "/v2/apps", """{"id":"/later","cmd":"sleep 100","cpus":0.1,"mem":32}""");
        await Eventually.TrueAsync(async () => await _server.TaskStatesAsync("/later") is ["TASK_STAGING"], "the task is being launched");
        var tasks = await _server.GetJsonAsync("/v2/apps//later/tasks");
        var id = tasks.GetProperty("tasks")[0].GetProperty("id").GetString();
        var (status, body) = await _server.SendAsync("GET", $"/v2/tasks/{id}/exec?cmd=ls");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("is not running: it is TASK_STAGING", body.GetProperty("message").GetString());
    }

    private static Task SendAsync(ClientWebSocket socket, byte kind, string text) =>
        socket.SendAsync((byte[])[kind, .. Encoding.UTF8.GetBytes(text)], WebSocketMessageType.Binary, true, CancellationToken.None);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[1000];
        var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
        return result.MessageType == WebSocketMessageType.Close ? "close" : Encoding.UTF8.GetString(buffer, 0, result.Count);
    }
}
