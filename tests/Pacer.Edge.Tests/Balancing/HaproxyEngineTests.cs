using System.Diagnostics;
using System.Globalization;
using System.Net;
using Pacer.Edge.Balancing;
using Pacer.Edge.Balancing.Haproxy;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>HAProxy as data path: when it reloads, what it survives, and what is said of it.</summary>
public sealed class HaproxyEngineTests
{
    [Fact]
    public async Task Servers_ComeDrainAndGo_NothingIsReloaded()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var b = await TestBackend.StartAsync("b");
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        var tasks = balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port, b.Port);
        var reloads = balancer.Host.Haproxy!.Reloads;
        using var client = balancer.Client(host: "h");
        tasks[0].Draining = true;
        balancer.Apply();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("b", TestBalancer.BackendOf(await client.GetAsync("")));
        }
        Assert.Equal(["MAINT", "UP"], await StatusAsync());
        balancer.Remove(tasks[0]);
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
        Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync("")));
        Assert.Equal(["UP"], await StatusAsync());
        Assert.Equal(reloads, balancer.Host.Haproxy.Reloads);
        balancer.Put("/b", ["HAPROXY_0_VHOST=other"], b.Port);
        Assert.Equal(reloads + 1, balancer.Host.Haproxy.Reloads);
        var numbers = await balancer.NumbersAsync("/a:0");
        Assert.Equal((5, 5), (numbers.Requests, numbers.Answers[2])); // counted on over the reload
        using var status = balancer.Client("status");
        Assert.Contains("\"engine\":\"haproxy\"", await status.GetStringAsync("pacer/lb"), StringComparison.Ordinal);
        Assert.Contains($"pacer_lb_haproxy_reloads_total {balancer.Host.Haproxy.Reloads}\n", await status.GetStringAsync("metrics"), StringComparison.Ordinal);
        Assert.Contains("pacer_lb_requests_total{backend=\"a_0\",code=\"2xx\"} 5\n", await status.GetStringAsync("metrics"), StringComparison.Ordinal);
        Assert.Matches(@"a_0,BACKEND,0,,0,,,5,", await status.GetStringAsync("haproxy?stats;csv"));
        Assert.NotEqual($"{Environment.ProcessId}\n", await status.GetStringAsync("_haproxy_getpids"));

        async Task<IEnumerable<string>> StatusAsync() => (await balancer.NumbersAsync("/a:0")).Servers.Select(server => server.Status).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Changes_ManyAtOnce_AreFewReloads()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
        var reloads = balancer.Host.Haproxy!.Reloads;
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() =>
        {
            lock (balancer)
            {
                balancer.PutWithoutWaiting($"/a{i}", [$"HAPROXY_0_VHOST=h{i}"], a.Port);
            }
        })));
        balancer.Apply();
        Assert.InRange(balancer.Host.Haproxy.Reloads - reloads, 1, 4);
        using var client = balancer.Client(host: "h11");
        Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync("")));
    }

    [Fact]
    public async Task Labels_ThatHaproxyRefuses_LeaveOutThatServiceAlone()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        balancer.Put("/a", ["HAPROXY_0_VHOST=a"], a.Port);
        balancer.Put("/bad", ["HAPROXY_0_VHOST=bad", "HAPROXY_0_BACKEND_HEAD=http-request wish for the best"], a.Port);
        balancer.Put("/c", ["HAPROXY_0_VHOST=c", "HAPROXY_0_BACKEND_HEAD=acl closed path_beg /closed\nhttp-request deny deny_status 429 if closed"], a.Port);
        Assert.Equal([200, 503, 200], await AskAsync(balancer, "http", "a/", "bad/", "c/"));
        Assert.Equal([429], await AskAsync(balancer, "http", "c/closed/x"));
        Assert.StartsWith("Port 0: HAProxy refuses what its labels ask for, so it is left out: ", Assert.Single(balancer.Host.View.Warnings).Text, StringComparison.Ordinal);
        balancer.Put("/bad", ["HAPROXY_0_VHOST=bad"], a.Port);
        Assert.Equal([200], await AskAsync(balancer, "http", "bad/"));
        Assert.Empty(balancer.Host.View.Warnings);
    }

    [Fact]
    public async Task Certificate_ThatHaproxyRefuses_IsLeftOutAloneUntilItsFileChanges()
    {
        await using var a = await TestBackend.StartAsync("a");
        var certificates = Directory.CreateTempSubdirectory("pacer-certs-").FullName;
        var (weak, label) = (Path.Combine(certificates, "weak.pem"), Path.GetTempFileName());
        await File.WriteAllTextAsync(weak, WeakPem());
        await File.WriteAllTextAsync(label, WeakPem());
        try
        {
            await using var balancer = await TestBalancer.StartAsync(options => options with { Certificates = certificates }, haproxy: true);
            balancer.Put("/a", ["HAPROXY_0_VHOST=a", "HAPROXY_0_SSL_CERT=" + label], a.Port);
            balancer.Put("/b", ["HAPROXY_0_VHOST=b"], a.Port);
            Assert.Equal([200, 200], await AskAsync(balancer, "https", "a/", "b/"));
            var warnings = balancer.Host.View.Warnings.Where(warning => warning.Text.Contains("HAProxy refuses it: ", StringComparison.Ordinal)).Select(warning => warning.Text).Order(StringComparer.Ordinal).ToList();
            Assert.Equal(2, warnings.Count);
            Assert.Equal([.. new[] { weak, label }.Select(file => $"The certificate in {file} can't be used: HAProxy refuses it: unable to load SSL certificate into SSL Context.").Order(StringComparer.Ordinal)], warnings);
            await File.WriteAllTextAsync(weak, HaproxyTextTests.Pem());
            await File.WriteAllTextAsync(label, HaproxyTextTests.Pem());
            await HttpTests.UntilAsync(() => Task.FromResult(!balancer.Host.View.Warnings.Any(warning => warning.Text.Contains("HAProxy refuses", StringComparison.Ordinal))));
        }
        finally
        {
            Directory.Delete(certificates, true);
            File.Delete(label);
        }
    }

    // OpenSSL does not take such short keys any more.
    private static string WeakPem()
    {
        using var key = System.Security.Cryptography.RSA.Create(1024);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=weak", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    private static Task UntilServedAsync(HttpClient client) => HttpTests.UntilAsync(async () =>
    {
        try
        {
            return TestBalancer.BackendOf(await client.GetAsync("")) == "a";
        }
        catch (HttpRequestException)
        {
            return false;
        }
    });

    /// <param name="places">Host and path.</param>
    private static async Task<List<int>> AskAsync(TestBalancer balancer, string kind, params string[] places)
    {
        var answers = new List<int>();
        foreach (var place in places)
        {
            using var client = balancer.Client(kind, place.Split('/')[0]);
            answers.Add((int)(await client.GetAsync(place[(place.IndexOf('/', StringComparison.Ordinal) + 1)..])).StatusCode);
        }
        return answers;
    }

    [Fact]
    public async Task Server_InThePlaceOfAnother_HasNumbersOfItsOwn()
    {
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        using var client = balancer.Client(host: "h");
        for (var i = 1; i <= 5; i++) // for four places
        {
            await using var server = await TestBackend.StartAsync("a");
            balancer.Put("/a", ["HAPROXY_0_VHOST=h"], server.Port);
            await client.GetAsync("");
            await client.GetAsync("");
            var numbers = await balancer.NumbersAsync("/a:0");
            Assert.Equal((2, 2 * i), (Assert.Single(numbers.Servers).Total, numbers.Requests));
        }
    }

    [Fact]
    public async Task ServerChange_ThatHaproxyRefuses_IsAnError()
    {
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        var socket = balancer.Host.Haproxy!.Process.AdminSocket;
        var error = await Assert.ThrowsAsync<IOException>(() => HaproxySocket.TellAsync(socket, ["set server nobody/s1 state maint"]));
        Assert.Contains("No such backend", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Haproxy_Killed_IsStartedAgainAndSaid()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
        using (var master = Process.GetProcessById(balancer.Host.Haproxy!.Process.Master!.Value))
        {
            master.Kill();
        }
        using var client = balancer.Client(host: "h");
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.View.Warnings.Count > 0));
        await UntilServedAsync(client);
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.View.Warnings.Any(warning => warning.Text.EndsWith("(once so far) and was started again.", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Balancer_Replaced_TheNextGoesOnWithoutLosingARequest()
    {
        Assert.SkipWhen(HaproxyProcess.Program is null, "needs haproxy");
        await using var a = await TestBackend.StartAsync("a");
        var directory = Directory.CreateTempSubdirectory("pacer-haproxy-").FullName;
        try
        {
            await using var first = await TestBalancer.StartAsync(options => options with { HaproxyDirectory = directory });
            first.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
            var address = first["http"];
            var master = first.Host.Haproxy!.Process.Master;
            await Assert.ThrowsAsync<BalancerStartException>(() => TestBalancer.StartAsync(options => options with { HaproxyDirectory = directory }));
            using var over = new CancellationTokenSource();
            var load = Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
            {
                using var client = new HttpClient { BaseAddress = new Uri($"http://{address}/"), DefaultRequestHeaders = { Host = "h", ConnectionClose = i % 2 == 0 } };
                var served = 0;
                for (; !over.IsCancellationRequested; served++)
                {
                    Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync("bytes?1000")));
                }
                return served;
            })).ToList();
            first.Host.LeaveHaproxy();
            await first.DisposeAsync();
            await using var second = await TestBalancer.StartAsync(options => options with { HaproxyDirectory = directory });
            Assert.Equal(address, second["http"]);
            second.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
            second.Put("/b", ["HAPROXY_0_VHOST=b"], a.Port);
            Assert.Equal(master, second.Host.Haproxy!.Process.Master);
            using (var client = second.Client(host: "b"))
            {
                Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync("")));
            }
            await over.CancelAsync();
            Assert.True((await Task.WhenAll(load)).Sum() > 20);
        }
        finally
        {
            await HaproxyEngine.EndAsync(directory);
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, true);
            }
        }
    }

    [Fact]
    public async Task ServerChange_ThatCanNotBeTold_IsLoadedAnew()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var b = await TestBackend.StartAsync("b");
        await using var balancer = await TestBalancer.StartAsync(haproxy: true);
        var tasks = balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port, b.Port);
        var reloads = balancer.Host.Haproxy!.Reloads;
        File.Delete(balancer.Host.Haproxy.Process.AdminSocket);
        tasks[0].Draining = true;
        balancer.Apply();
        Assert.Equal(reloads + 1, balancer.Host.Haproxy.Reloads);
        using var client = balancer.Client(host: "h");
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("b", TestBalancer.BackendOf(await client.GetAsync("")));
        }
        Assert.Empty(balancer.Host.View.Warnings);
    }

    [Fact]
    public async Task AdoptedHaproxy_EndsBeforeAnyRoutesAreKnown_ServesAgain()
    {
        Assert.SkipWhen(HaproxyProcess.Program is null, "needs haproxy");
        await using var a = await TestBackend.StartAsync("a");
        var directory = Directory.CreateTempSubdirectory("pacer-haproxy-").FullName;
        try
        {
            await using var first = await TestBalancer.StartAsync(options => options with { HaproxyDirectory = directory });
            first.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
            first.Host.LeaveHaproxy();
            await first.DisposeAsync();
            await using var second = await TestBalancer.StartAsync(options => options with { HaproxyDirectory = directory });
            using (var master = Process.GetProcessById(second.Host.Haproxy!.Process.Master!.Value))
            {
                master.Kill();
            }
            await HttpTests.UntilAsync(() => Task.FromResult(second.Host.View.Warnings.Any(warning => warning.Text.EndsWith("(once so far) and was started again.", StringComparison.Ordinal))));
            using var client = second.Client(host: "h");
            await UntilServedAsync(client);
        }
        finally
        {
            await HaproxyEngine.EndAsync(directory);
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, true);
            }
        }
    }

    [Fact]
    public async Task AccessLog_Request_HasItsLine()
    {
        await using var a = await TestBackend.StartAsync("a");
        var log = Path.GetTempFileName();
        try
        {
            await using (var balancer = await TestBalancer.StartAsync(options => options with { AccessLog = log }, haproxy: true))
            {
                balancer.Put("/a", ["HAPROXY_0_VHOST=h"], a.Port);
                using var client = balancer.Client(host: "h");
                await client.GetAsync("x?y");
                var line = string.Create(CultureInfo.InvariantCulture, $" \"GET /x?y HTTP/1.1\" 200 ");
                await HttpTests.UntilAsync(async () => (await File.ReadAllTextAsync(log)).Contains(line, StringComparison.Ordinal));
                Assert.Matches($@"^127\.0\.0\.1 - - \[.*\+0000\] ""GET /x\?y HTTP/1\.1"" 200 \d+ h:{balancer["http"].Port} a_0 127\.0\.0\.1:{a.Port} \d+\n$", await File.ReadAllTextAsync(log));
            }
        }
        finally
        {
            File.Delete(log);
        }
    }
}
