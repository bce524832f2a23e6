using System.Net;
using CsCheck;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Recording;
using Pacer.Server.Recording.Items;
using Pacer.Server.Storage;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Recording;

public sealed class RecordingTests
{
    private static readonly RunSpec SomeSpec = ModelGenerators.Spec.Single();
    private static readonly TaskReport SomeReport = ModelGenerators.Reports.Single();

    private static readonly Input[] Samples =
    [
        new Input.ChangeRunSpecs(new RequestId(1),
            [new RunSpecChange.Put(SomeSpec, new Timestamp(5)), new RunSpecChange.Put(SomeSpec, null), new RunSpecChange.Restart(SomeSpec.Id), new RunSpecChange.Remove(SomeSpec.Id)], true)
        {
            Groups = [new GroupChange.Put(new Group("/g", ["/h"], true, new Timestamp(3))), new GroupChange.Remove("/old")],
            GroupId = "/g",
            RootBase = new Timestamp(9),
        },
        new Input.EnforceRole(new RequestId(2), "/g", null),
        new Input.EnforceRole(new RequestId(2), "/g", false),
        new Input.KillInstances(new RequestId(3), [new InstanceId("a.instance-1")], true, false, true),
        new Input.CancelDeployment(new RequestId(4), new DeploymentId("d"), true),
        new Input.ResetDelay(new RequestId(5), SomeSpec.Id),
        new Input.PutSecret(new RequestId(6), "name", "sealed"),
        new Input.RemoveSecret(new RequestId(7), "name"),
        new Input.CordonNode(new RequestId(8), new AgentId("n"), true),
        new Input.DrainNode(new RequestId(9), new AgentId("n"), TimeSpan.FromMinutes(5), true),
        new Input.DrainNode(new RequestId(9), new AgentId("n"), null, false),
        new Input.UndrainNode(new RequestId(10), new AgentId("n")),
        new Input.RemoveNode(new RequestId(11), new AgentId("n")),
        new Input.ServerStarted(),
        new Input.AgentConnected(ModelGenerators.Agents.Single(), [SomeReport]),
        new Input.AgentDisconnected(new AgentId("n")),
        new Input.TaskReported(new AgentId("n"), SomeReport),
        new Input.Tick(),
    ];

    [Fact]
    public void EveryInput_EncodedAndDecoded_IsTheSame()
    {
        var kinds = typeof(Input).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Input)) && !type.IsAbstract);
        Assert.Empty(kinds.Except(Samples.Select(sample => sample.GetType())));
        foreach (var sample in Samples)
        {
            var decoded = InputCodec.Decode(InputItem.Parser.ParseFrom(InputCodec.Encode(sample).ToByteArray()));
            if (sample is Input.AgentConnected { Node: var node } && decoded is Input.AgentConnected back)
            {
                decoded = back with { Node = back.Node with { Attributes = node.Attributes } }; // compared by reference
            }
            Assert.Equal(sample, decoded);
        }
        ModelGenerators.Reports.Sample(report => ReportCodec.Decode(ReportCodec.Encode(report)) == report);
    }

    [Fact]
    public void Settings_EncodedAndDecoded_AreTheSame()
    {
        var settings = new ClusterSettings
        {
            ServicePortMin = 1, ServicePortMax = 2, MaxRunningDeployments = 3, MaxVersions = 4, AgentTimeout = TimeSpan.FromSeconds(5),
            LaunchConfirmTimeout = TimeSpan.FromSeconds(6), LaunchTimeout = TimeSpan.FromSeconds(7), KillRetryInterval = TimeSpan.FromSeconds(8),
            HoldsUnhealthyKills = false, PlacementScore = PlacementScore.Pack, GpuScheduling = GpuScheduling.Unrestricted,
            DefaultAcceptedRoles = DefaultAcceptedRoles.Reserved, HomeRegion = "here",
        };
        Assert.Equal(settings, RecordedSettings.Decode(RecordedSettings.Encode(settings)));
        // A setting that is added must be recorded too: no sample value may be the default.
        Assert.All(typeof(ClusterSettings).GetProperties().Where(property => property.CanWrite),
            property => Assert.NotEqual(property.GetValue(new ClusterSettings()), property.GetValue(settings)));
    }

    [Fact]
    public async Task RealRun_ServerAndAgent_ReplayArrivesAtTheSameState()
    {
        using var dir = new TempDirectory();
        var file = Path.Combine(dir.Path, "inbox");
        await using (var server = await RunningServer.StartAsync(options => options with { Record = file }))
        {
            var runtime = new PlainRuntime(Path.Combine(dir.Path, "run"));
            var options = new AgentOptions
            {
                Join = "unix:" + server.Socket, WorkDir = Path.Combine(dir.Path, "work"), RunDir = Path.Combine(dir.Path, "run"), Ports = "31000-31010",
            };
            var agent = await AgentHost.StartAsync(
                options, new AgentParts((_, _, _) => Task.FromResult<Pacer.Agent.Containers.IContainerRuntime>(runtime)) { Logging = NullLoggerFactory.Instance }, CancellationToken.None);
            try
            {
                var app = """{"id":"/a","cmd":"exec sleep 1000","instances":2,"cpus":0.1,"mem":16,"portDefinitions":[{"port":0}]}""";
                Assert.Equal(HttpStatusCode.Created, (await server.SendAsync("POST", "/v2/apps", app)).Status);
                await RunningAsync(server, 2);
                Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("PATCH", "/v2/apps/a", """{"instances":1}""")).Status);
                await RunningAsync(server, 1);
                await server.RestartAsync(); // ends this recording, and begins the next with the state that it left
                await RunningAsync(server, 1);
                Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("DELETE", "/v2/apps/a?force=true")).Status);
                await Eventually.TrueAsync(async () => (await server.GetJsonAsync("/v2/deployments")).GetArrayLength() == 0, "it is removed");
            }
            finally
            {
                await agent.StopAsync();
                await runtime.RemoveOrphansAsync(new HashSet<string>(), CancellationToken.None);
            }
        }

        foreach (var recording in new[] { file + ".1", file })
        {
            var result = Replay.Run(recording);
            Assert.True(result.IsSame, $"{recording}: {result.Difference}, {result.StateHash} instead of {result.RecordedHash}");
            Assert.NotNull(result.RecordedHash);
            Assert.True(result.Batches > 3);
        }
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        OtherSeeds(file + ".1");
        HalfAnItem(file);
    }

    // The ids of instances come from the seed, so another one leads elsewhere.
    private static void OtherSeeds(string recording)
    {
        var changed = recording + ".seeds";
        using (var from = File.OpenRead(recording))
        using (var to = File.Create(changed))
        {
            while (from.Position < from.Length)
            {
                var item = Item.Parser.ParseDelimitedFrom(from);
                if (item.KindCase == Item.KindOneofCase.Batch)
                {
                    item.Batch.Seed++;
                }
                item.WriteDelimitedTo(to);
            }
        }
        var result = Replay.Run(changed);
        Assert.NotNull(result.Difference);
        Assert.False(result.IsSame);
    }

    private static void HalfAnItem(string recording)
    {
        using (var file = File.OpenWrite(recording))
        {
            file.SetLength(file.Length - 1);
        }
        var result = Replay.Run(recording);
        Assert.Equal((true, null), (result.IsSame, result.RecordedHash));
    }

    [Fact]
    public void Recording_BeyondItsSize_BeginsAnewWithTheStateSoFar()
    {
        using var dir = new TempDirectory();
        var file = Path.Combine(dir.Path, "inbox");
        using var store = SqliteStateStore.Open(Path.Combine(dir.Path, "data"));
        var state = store.Load().Rebuild();
        using (var recorder = InboxRecorder.Begin(file, store, state, new ClusterSettings(), NullLogger.Instance, maxBytes: 2_000))
        {
            for (var i = 0; i < 60; i++)
            {
                var secret = new Input.PutSecret(new RequestId(i), $"s{i % 7}", new string('x', 100));
                var result = recorder.Step(state, [secret], new Timestamp(1_000 + i), (ulong)i, new ClusterSettings());
                recorder.Commit(result.Changes, state.Index + 1);
                state = result.State with { Index = state.Index + 1 };
            }
        }
        foreach (var recording in new[] { file + ".1", file })
        {
            Assert.True(Replay.Run(recording) is { IsSame: true, RecordedHash: not null });
        }
        Assert.Equal(StateRows.Hash(state), Replay.Run(file).StateHash);
        Assert.InRange(new FileInfo(file + ".1").Length, 1, 4_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no recording at all")]
    public void Replay_OfSomethingElse_IsRefusedInWords(string content)
    {
        using var dir = new TempDirectory();
        var file = Path.Combine(dir.Path, "x");
        File.WriteAllText(file, content);
        Assert.Contains("is not a recording", Assert.Throws<ReplayException>(() => Replay.Run(file)).Message, StringComparison.Ordinal);
        Assert.Throws<ReplayException>(() => Replay.Run(file + ".absent"));
    }

    private static Task RunningAsync(RunningServer server, int count) => Eventually.TrueAsync(
        async () => (await server.TaskStatesAsync("/a")).Count(state => state == "TASK_RUNNING") == count
            && (await server.GetJsonAsync("/v2/deployments")).GetArrayLength() == 0, $"{count} tasks run");
}
