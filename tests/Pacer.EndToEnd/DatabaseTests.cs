using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>A database on a persistent volume keeps every row that it has confirmed, whatever happens around it.</summary>
public sealed partial class DatabaseTests
{
    // The program is a database under its own name, and a checker of files under that which its package gives it.
    private const string Program = "/usr/bin/redis-check-rdb";

    private const string Command = $"ln -sf {Program} redis-server; exec ./redis-server --dir data --port $PORT0 --bind 127.0.0.1 --appendonly yes --appendfsync always";

    [Fact]
    [Trait("main-job", "yes")]
    public async Task Redis_KilledRestartedUpgraded_KeepsItsRowsUntilItIsWiped()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipUnless(File.Exists(Program), "needs Redis (apt-get install redis-tools)");
        var data = Directory.CreateTempSubdirectory("pacer-e2e-").FullName;
        var (http, link) = ($"127.0.0.1:{Cluster.FreePort()}", $"127.0.0.1:{Cluster.FreePort()}");
        PacerProcess StartServer() => PacerProcess.Start("server", "--http", http, "--agent-listen", link, "--data-dir", data + "/server");
        var ports = Cluster.PortRange();
        PacerProcess StartAgent() => PacerProcess.Start("agent", "--join", link, "--data-dir", data + "/node", "--ports", ports);
        var server = StartServer();
        var agent = StartAgent();
        using var api = new Api("http://" + http);
        var rows = new Rows(api, new Machine(data + "/node"));
        try
        {
            await agent.WaitForAsync("has joined");
            await api.PostAppAsync($$$"""
                {"id":"/rows","cmd":"{{{Command}}}","user":"nobody","cpus":0.1,"mem":64,"backoffSeconds":1,"maxLaunchDelaySeconds":1,"taskKillGracePeriodSeconds":5,
                 "container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","persistent":{"size":64}}]},
                 "healthChecks":[{"protocol":"TCP","intervalSeconds":1,"gracePeriodSeconds":30,"timeoutSeconds":1}]}
                """);
            await rows.BeginAsync();

            foreach (var process in rows.Processes)
            {
                Kill(process, 9);
            }
            await rows.AreThereAsync(inANewTask: true, "its process was killed");

            Assert.Equal(System.Net.HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Delete, $"v2/apps/rows/tasks/{rows.Task}")).Status);
            await rows.AreThereAsync(inANewTask: true, "its task was killed");

            await ChangeAsync(api, HttpMethod.Post, "v2/apps/rows/restart");
            await rows.AreThereAsync(inANewTask: true, "the app was restarted");

            await ChangeAsync(api, HttpMethod.Put, "v2/apps/rows", $$"""{"cmd":"{{Command}} --maxmemory 32mb","env":{"RELEASE":"2"} }""");
            await rows.AreThereAsync(inANewTask: true, "the app was upgraded");
            Assert.Contains("33554432", await rows.AskAsync("CONFIG GET maxmemory"));

            await ChangeAsync(api, HttpMethod.Put, "v2/apps/rows", """{"instances":0}""");
            await ChangeAsync(api, HttpMethod.Put, "v2/apps/rows", """{"instances":1}""");
            await rows.AreThereAsync(inANewTask: true, "the app was suspended");

            server.KillAtOnce();
            agent.KillAtOnce();
            await rows.AddAsync(); // it does not mind
            (server, agent) = (Anew(server, StartServer), Anew(agent, StartAgent));
            await rows.AreThereAsync(inANewTask: false, "agent and server were killed");

            server.KillAtOnce();
            agent.KillAtOnce();
            foreach (var process in rows.Processes)
            {
                Kill(process, 9);
            }
            (server, agent) = (Anew(server, StartServer), Anew(agent, StartAgent));
            await rows.AreThereAsync(inANewTask: true, "all of it was killed");

            var place = $"{data}/node/agent/volumes/{rows.Volume.Split('#')[^1]}";
            Assert.True(Directory.Exists(place));
            Assert.Equal(System.Net.HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Delete, $"v2/apps/rows/tasks/{rows.Task}?wipe=true")).Status);
            await rows.AreGoneAsync();
            await Api.Until(() => System.Threading.Tasks.Task.FromResult(!Directory.Exists(place)), "the data is wiped");
        }
        finally
        {
            var ended = await PacerProgram.RunAsync(null, "", "down", "--data-dir", data + "/node");
            await server.TerminateAsync();
            server.Dispose();
            agent.Dispose();
            ended.Expect(0);
            Assert.Empty(rows.Machine.Leftovers());
            Directory.Delete(data, true);
        }
    }

    private static PacerProcess Anew(PacerProcess dead, Func<PacerProcess> start)
    {
        dead.Dispose();
        return start();
    }

    private static async Task ChangeAsync(Api api, HttpMethod method, string path, string? body = null)
    {
        var (status, answer) = await api.SendAsync(method, path, body);
        Assert.True(status == System.Net.HttpStatusCode.OK, $"{method} {path}: {status} {answer?.ToJsonString()}");
        await api.WaitUntilSettledAsync();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);

    /// <summary>What was written, and where it was at first.</summary>
    private sealed class Rows(Api api, Machine machine)
    {
        private const int AtATime = 20;
        private int _count;
        private int _port;
        private (string Instance, string Volume, string Node) _home;

        public Machine Machine => machine;

        public string Task { get; private set; } = "";

        public string Volume => _home.Volume;

        public IReadOnlyList<int> Processes => machine.ProcessesOf(Task);

        public async Task BeginAsync()
        {
            _home = await FindAsync("");
            await AddAsync();
        }

        /// <summary>All rows can be read where they were, and more can be written.</summary>
        public async Task AreThereAsync(bool inANewTask, string after)
        {
            Assert.Equal(_home, await FindAsync(inANewTask ? Task : ""));
            for (var row = 0; row < _count; row++)
            {
                Assert.True((await AskAsync($"GET row{row}")).EndsWith($"\nvalue{row}", StringComparison.Ordinal), $"after {after} row {row} of {_count} is lost");
            }
            await AddAsync();
        }

        /// <summary>Another instance with an empty volume has taken its place.</summary>
        public async Task AreGoneAsync()
        {
            var home = await FindAsync(Task);
            Assert.NotEqual(_home.Instance, home.Instance);
            Assert.NotEqual(_home.Volume, home.Volume);
            Assert.Equal(":0", await AskAsync("DBSIZE"));
        }

        public async Task AddAsync()
        {
            for (var i = 0; i < AtATime; i++, _count++)
            {
                Assert.Equal("+OK", await AskAsync($"SET row{_count} value{_count}"));
            }
        }

        public async Task<string> AskAsync(string command)
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync("127.0.0.1", _port);
            await using var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\nQUIT\r\n"));
            using var reader = new StreamReader(stream, Encoding.ASCII);
            var answer = (await reader.ReadToEndAsync()).ReplaceLineEndings("\n");
            Assert.EndsWith("+OK\n", answer);
            return answer[..^"+OK\n".Length].TrimEnd('\n');
        }

        private async Task<(string Instance, string Volume, string Node)> FindAsync(string notIn)
        {
            JsonNode? task = null;
            await Api.Until(
                async () => (await api.TasksAsync()).Where(each => (string)each["state"]! == "TASK_RUNNING" && (string)each["id"]! != notIn
                    && each["healthCheckResults"] is JsonArray { Count: > 0 } checks && (bool)checks[0]!["alive"]!).ToList() is [var one] && (task = one) is not null,
                "the database runs", api.DescribeAsync);
            Task = (string)task!["id"]!;
            _port = int.Parse(task["ports"]![0]!.ToString(), CultureInfo.InvariantCulture);
            return (Task[..Task.LastIndexOf("._app", StringComparison.Ordinal)], (string)task["localVolumes"]![0]!["persistenceId"]!, (string)task["slaveId"]!);
        }
    }
}
