using System.Text;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;

namespace Pacer.Shell.Tests.Docker;

/// <summary>Tasks as containers of a real Docker daemon, through the agent.</summary>
[Collection(nameof(DockerCollection))]
public sealed class DockerTaskTests(DockerDaemon daemon)
{
    [Fact]
    public async Task Node_WithDaemon_OffersDockerAndItsNetworks()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        Assert.Contains("docker", bench.Server.LastRegistration.Runtimes);
        Assert.Contains("docker/bridge", bench.Server.LastRegistration.Networks);
    }

    [Fact]
    public async Task Task_Shell_RunsInItsImageWithSandboxLogsAndExitCode()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("ends.1", "echo out $GREETING; echo err >&2; pwd; ls $MESOS_SANDBOX; printf made > $MESOS_SANDBOX/made; exit 7", spec =>
            spec.Environment["GREETING"] = "hello"));
        var end = await bench.Server.WaitForAsync("ends.1", TaskState.TaskFailed);
        Assert.Equal(("Command exited with status 7", 7), (end.Message, end.ExitCode));
        Assert.Equal("out hello\n/\nstderr\nstdout\n", bench.Read("ends.1", "stdout"));
        Assert.Equal("err\n", bench.Read("ends.1", "stderr"));
        Assert.Equal("made", bench.Read("ends.1", "made"));
        await bench.UntilForgottenAsync();
        Assert.DoesNotContain(await daemon.NamesAsync(), name => name.Contains("ends.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Task_WithoutCommand_RunsTheImagesOwn_AndArgumentsTakeItsPlace()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Spec("own.1", _ => { }));
        bench.Server.Launch(bench.Spec("args.1", spec => spec.Command = new Command { Arguments = new Arguments { Values = { "echo", "an $ARG" } } }));
        await bench.Server.WaitForAsync("args.1", TaskState.TaskFinished);
        Assert.Equal("an $ARG\n", bench.Read("args.1", "stdout"));
        await bench.Server.WaitForAsync("own.1", TaskState.TaskRunning);
        await bench.UntilPrintedAsync("own.1", "from the image\n");
    }

    [Fact]
    public async Task Kill_TaskThatIgnoresIt_IsKilledWhenItsGraceIsOver()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("stubborn.1", "trap 'echo no' TERM; echo ready; while true; do sleep 0.1; done"));
        bench.Server.Launch(bench.Shell("polite.1", "trap 'exit 3' TERM; echo ready; while true; do sleep 0.1; done"));
        await bench.UntilPrintedAsync("stubborn.1", "ready\n");
        await bench.UntilPrintedAsync("polite.1", "ready\n");
        bench.Server.Kill("polite.1");
        Assert.Equal(3, (await bench.Server.WaitForAsync("polite.1", TaskState.TaskKilled)).ExitCode);
        bench.Server.Kill("stubborn.1", 500);
        Assert.Equal(9, (await bench.Server.WaitForAsync("stubborn.1", TaskState.TaskKilled)).Signal);
        Assert.Equal("ready\nno\n", bench.Read("stubborn.1", "stdout"));
    }

    [Fact]
    public async Task Task_EatsItsMemory_IsReportedSo()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Spec("eats.1", spec => spec.Command = new Command { Arguments = new Arguments { Values = { "tail", "/dev/zero" } } }));
        var end = await bench.Server.WaitForAsync("eats.1", TaskState.TaskFailed);
        Assert.Equal("REASON_CONTAINER_LIMITATION_MEMORY", end.Reason);
    }

    [Fact]
    public async Task Task_Settings_ReachTheContainer()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        var shared = Directory.CreateDirectory(Path.Combine(bench.Root, "shared")).FullName;
        File.WriteAllText(Path.Combine(shared, "file"), "of the node");
        bench.Server.Launch(bench.Shell("set.1", "cat /data/file; touch /data/new 2>/dev/null || echo; id -u; hostname; exec sleep 1000", spec =>
        {
            spec.User = "nobody";
            spec.Labels["team"] = "a";
            spec.CpuLimitMillis = 500;
            spec.Resources.CpuMillis = 250;
            spec.Mounts.Add(new Mount { Source = shared, Destination = "/data", ReadOnly = true });
            spec.Docker.Parameters.Add(new DockerParameter { Key = "hostname", Value = "boat" });
            spec.Docker.Parameters.Add(new DockerParameter { Key = "ulimit", Value = "nofile=1000:2000" });
            spec.Docker.Parameters.Add(new DockerParameter { Key = "memory", Value = "64m" });
            spec.Docker.Parameters.Add(new DockerParameter { Key = "label", Value = "tier=web" });
        }));
        await bench.UntilPrintedAsync("set.1", "of the node\n65534\nboat\n");
        var container = await bench.InspectAsync("set.1");
        Assert.Equal(("a", "web", "set.1"), ($"{container["Config"]!["Labels"]!["team"]}", $"{container["Config"]!["Labels"]!["tier"]}", $"{container["Config"]!["Labels"]!["pacer.task"]}"));
        var host = container["HostConfig"]!;
        Assert.Equal((256, 50_000, 64 << 20, 8192), ((int)host["CpuShares"]!, (int)host["CpuQuota"]!, (int)host["Memory"]!, (int)host["PidsLimit"]!));
        Assert.Equal("2000", host["Ulimits"]![0]!["Hard"]!.ToString());
        Assert.Equal("host", host["NetworkMode"]!.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    public async Task SecretFile_IsReadableInMemory_NotInspectable_AndGoesWithTheContainer(string user)
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        var files = $"/dev/shm/pacer-secrets-{bench.Agents.Agent.AgentId}";
        bench.Server.Launch(bench.Shell("secret.1", "stat -c %a /run/key; cat /run/key; (echo x > /run/key) 2>/dev/null || echo ' kept'; grep -o ' /run/key tmpfs ro' /proc/mounts; exec sleep 1000", spec =>
        {
            spec.User = user;
            spec.Mounts.Add(new Mount { Source = "key", Destination = "/run/key", ReadOnly = true, IsSecret = true, Secret = Google.Protobuf.ByteString.CopyFromUtf8("open sesame") });
        }));
        await bench.UntilPrintedAsync("secret.1", "444\nopen sesame kept\n /run/key tmpfs ro\n");
        Assert.Equal("open sesame", File.ReadAllText(Assert.Single(Directory.GetFiles(files, "*", SearchOption.AllDirectories))));
        var container = await bench.InspectAsync("secret.1");
        Assert.Contains("/run/key", container.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", container.ToJsonString(), StringComparison.Ordinal);
        bench.Server.Kill("secret.1", 1);
        await bench.Server.WaitForAsync("secret.1", TaskState.TaskKilled);
        await AgentBench.UntilAsync(() => !Directory.Exists(files), "the secret is still there");
    }

    [Theory]
    [InlineData("publish", "80:80", "container.portMappings")]
    [InlineData("name", "x", "Pacer decides that itself")]
    [InlineData("frobnicate", "x", "no option of `docker run`")]
    [InlineData("memory", "much", "a size such as 64m")]
    [InlineData("label", "pacer.agent=x", "does not begin with 'pacer.'")]
    public async Task Task_ParameterThatCantBe_FailsWithItsName(string key, string value, string words)
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("bad.1", "true", spec => spec.Docker.Parameters.Add(new DockerParameter { Key = key, Value = value })));
        var end = await bench.Server.WaitForAsync("bad.1", TaskState.TaskFailed);
        Assert.Contains(key, end.Message, StringComparison.Ordinal);
        Assert.Contains(words, end.Message, StringComparison.Ordinal);
        await bench.UntilForgottenAsync();
    }

    [Fact]
    public async Task Start_CommandThatIsMissing_FailsWithTheDaemonsWordsAndLeavesNothing()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Spec("none.1", spec => spec.Command = new Command { Arguments = new Arguments { Values = { "/no/such" } } }));
        var end = await bench.Server.WaitForAsync("none.1", TaskState.TaskFailed);
        Assert.Contains("/no/such", end.Message, StringComparison.Ordinal);
        await bench.UntilForgottenAsync();
        Assert.DoesNotContain(await daemon.NamesAsync(), name => name.Contains("none.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Task_OnBridge_IsReachedByItsPortAndItsAddress()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("web.1", "echo found > index.html; exec httpd -f -p 8000", spec =>
        {
            spec.Docker.Network = "bridge";
            spec.Docker.Parameters.Add(new DockerParameter { Key = "workdir", Value = "/tmp" });
            spec.Ports.Add(new TaskPort { HostPort = 31207, ContainerPort = 8000, Protocol = "tcp" });
            spec.HealthChecks.Add(DockerBench.Check(HealthCheck.Types.Target.Node, 31207));
            spec.HealthChecks.Add(DockerBench.Check(HealthCheck.Types.Target.Inside, 8000));
            spec.HealthChecks.Add(DockerBench.Check(HealthCheck.Types.Target.Address, 8000));
        }));
        var healthy = await bench.Server.WaitForAsync("web.1", status => status.Health.Count == 3 && status.Health.All(check => check.Alive), "good health");
        using var http = new HttpClient();
        Assert.Equal("found\n", await http.GetStringAsync("http://127.0.0.1:31207/index.html"));
        Assert.Equal("found\n", await http.GetStringAsync($"http://{healthy.IpAddresses[0]}:8000/index.html"));
    }

    [Fact]
    public async Task Task_OnNamedNetwork_HasAnAddressThere_AndNewNetworksAreOffered()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        var name = $"lan{Environment.ProcessId}";
        await daemon.SendAsync("POST", "/networks/create", DockerBench.Json($$"""
            {"Name":"{{name}}","IPAM":{"Config":[{"Subnet":"10.239.{{Environment.ProcessId % 200}}.0/24"}] } }
            """));
        await bench.Server.WaitAsync(server => server.LastRegistration.Networks.Contains("docker/" + name) ? "" : null, "the network is not offered");
        bench.Server.Launch(bench.Shell("named.1", "exec sleep 1000", spec => spec.Docker.Network = name));
        var running = await bench.Server.WaitForAsync("named.1", TaskState.TaskRunning);
        Assert.StartsWith($"10.239.{Environment.ProcessId % 200}.", Assert.Single(running.IpAddresses), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_InContainer_CarriesStreamsUserAndExitCode()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("exec.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("exec.1", TaskState.TaskRunning);
        using (var session = await (await bench.Server.OpenAsync(new OpenSession
        {
            TaskId = "exec.1", Exec = new Exec { Command = { "sh", "-c", "id -u; echo err >&2; exit 4" }, User = "nobody" },
        })).ReadToEndAsync())
        {
            Assert.Equal(("65534\n", "err\n", 4), (session.Output, session.Errors, session.End!.ExitCode));
        }
        using (var session = await bench.Server.OpenAsync(new OpenSession { TaskId = "exec.1", Exec = new Exec { Command = { "wc", "-c" }, Stdin = true } }))
        {
            await session.WriteAsync(new SessionMessage { Data = Google.Protobuf.ByteString.CopyFrom(new byte[200_000]) });
            await session.WriteAsync(new SessionMessage { CloseInput = true });
            await session.ReadToEndAsync();
            Assert.Equal(("200000\n", 0), (session.Output, session.End!.ExitCode));
        }
        using (var session = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "exec.1", Exec = new Exec { Command = { "no-such-program" } } })).ReadToEndAsync())
        {
            Assert.InRange(session.End!.ExitCode, 126, 127);
        }
    }

    [Fact]
    public async Task Exec_WithTerminal_IsResizedAndInterrupted()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("tty.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("tty.1", TaskState.TaskRunning);
        using var session = await bench.Server.OpenAsync(new OpenSession
        {
            TaskId = "tty.1",
            Exec = new Exec
            {
                Command = { "sh", "-c", "trap 'echo big' WINCH; trap 'echo stop; exit 5' INT; echo ready; while true; do sleep 0.05; done" },
                Tty = true, Stdin = true, Rows = 30, Columns = 90,
            },
        });
        await session.ReadUntilAsync(s => s.Output.Contains("ready"));
        await session.WriteAsync(new SessionMessage { Resize = new Resize { Rows = 50, Columns = 120 } });
        await session.ReadUntilAsync(s => s.Output.Contains("big"));
        await session.WriteAsync(new SessionMessage { Data = Google.Protobuf.ByteString.CopyFrom(3) });
        await session.ReadToEndAsync();
        Assert.Contains("stop", session.Output, StringComparison.Ordinal);
        Assert.Equal(5, session.End!.ExitCode);
    }

    [Fact]
    public async Task Exec_CallerLeaves_CommandEnds()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("leave.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("leave.1", TaskState.TaskRunning);
        var mark = "987" + Environment.ProcessId;
        using (var session = await bench.Server.OpenAsync(new OpenSession { TaskId = "leave.1", Exec = new Exec { Command = { "sh", "-c", $"echo on; sleep {mark}" } } }))
        {
            await session.ReadUntilAsync(s => s.Output.Contains("on"));
            // A shell that is just becoming its last command has no command line for a moment.
            await AgentBench.UntilAsync(() => DockerBench.Processes(mark).Count > 0, "the command does not run");
        }
        await AgentBench.UntilAsync(() => DockerBench.Processes(mark).Count == 0, "the command goes on");
    }

    [Fact]
    public async Task HealthCommand_AndStatistics_AreOfTheContainer()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("check.1", "exec sleep 1000", spec =>
        {
            spec.CpuLimitMillis = 500;
            spec.HealthChecks.Add(new HealthCheck { Protocol = HealthCheck.Types.Protocol.Command, Command = "test -d \"$MESOS_SANDBOX\" && test ! -e /usr/bin/dotnet", IntervalMs = 100, TimeoutMs = 10_000, AgentKills = true });
        }));
        await bench.Server.WaitForAsync("check.1", status => status.Health is [{ Alive: true }], "good health");
        using var session = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "check.1", Statistics = new ReadStatistics() })).ReadToEndAsync();
        var told = session.Statistics!;
        Assert.Equal((0.5, 32L << 20), (told.CpuLimit, told.MemoryLimitBytes));
        Assert.True(told.MemoryBytes > 0 && told.CpuSeconds > 0 && told.Processes > 0);
    }

    [Fact]
    public async Task Log_LongAndBinary_ArrivesWholeAndInOrder()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        // Longer than the daemon's longest entry, without an end of line at the end.
        bench.Server.Launch(bench.Shell("long.1", "head -c 100000 /dev/zero | tr '\\0' 'x'; echo; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"));
        await bench.Server.WaitForAsync("long.1", TaskState.TaskFinished);
        var wanted = new StringBuilder().Append('x', 100_000).Append('\n').AppendJoin("", Enumerable.Range(0, 3000).Select(i => $"line {i}\n")).ToString();
        Assert.Equal(wanted, bench.Read("long.1", "stdout"));
    }
}
