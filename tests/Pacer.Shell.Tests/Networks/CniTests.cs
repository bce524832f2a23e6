using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Networks;

/// <summary>Networks of CNI plugins: real executables, Debian's where they are installed.</summary>
public sealed class CniTests : IAsyncLifetime
{
    // A plugin in a few lines: notes each call, and gives the interface's address on ADD.
    private const string Plugin = """
        #!/bin/sh
        input=$(cat)
        here=$(dirname "$0")
        echo "$(basename "$0") $CNI_COMMAND $CNI_IFNAME $CNI_CONTAINERID $input" >>"$here/calls"
        if [ -e "$here/refuse" ] && [ "$CNI_COMMAND" = ADD ] && [ "$(basename "$0")" = second ]; then
          echo '{"cniVersion":"0.4.0","code":11,"msg":"no","details":"not today"}'
          exit 1
        fi
        [ "$CNI_COMMAND" = DEL ] || echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.95.0.7/24"}]}'
        """;

    private NetworkLab _lab = null!;

    public async ValueTask InitializeAsync() => _lab = await NetworkLab.CreateAsync();

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    private string Configuration(string name, string text)
    {
        var directory = $"{_lab.Directory}/cni";
        Directory.CreateDirectory(directory);
        File.WriteAllText($"{directory}/{name}", text);
        return directory;
    }

    private string Plugins()
    {
        var directory = $"{_lab.Directory}/plugins";
        Directory.CreateDirectory(directory);
        foreach (var name in (string[])["first", "second"])
        {
            File.WriteAllText($"{directory}/{name}", Plugin);
            File.SetUnixFileMode($"{directory}/{name}", (UnixFileMode)0b111_101_101);
        }
        return directory;
    }

    [Fact]
    public async Task Chain_AddAndRemove_InOrderAndInReverseWithTheResult()
    {
        var directory = Configuration("10-lan.conflist", """
            {"cniVersion":"0.4.0","name":"lan","plugins":[{"type":"first"},{"type":"second","capabilities":{"portMappings":true}}]}
            """);
        var plugins = Plugins();
        var options = _lab.Options() with { CniConfigDir = directory, CniPluginDirs = plugins };
        var before = await _lab.AgentAsync(options);
        Assert.Equal(["container/bridge", "lan"], before.Names);
        var place = await before.AttachAsync(NetworkLab.On("c1", ["lan"], NetworkLab.Port(31000, 80)));
        Assert.Equal(["10.95.0.7"], place.Addresses);
        // What was attached is detached as it was, whatever has become of the configuration.
        File.Delete($"{directory}/10-lan.conflist");
        var after = await _lab.AgentAsync(options, "c1");
        await after.DetachAsync("c1");

        var calls = File.ReadAllLines($"{plugins}/calls");
        Assert.Equal(["first ADD eth0", "second ADD eth0", "second DEL eth0", "first DEL eth0"], calls.Select(call => string.Join(' ', call.Split(' ')[..3])));
        Assert.DoesNotContain("prevResult", calls[0], StringComparison.Ordinal);
        Assert.All(calls[1..], call => Assert.Contains("\"prevResult\":{", call, StringComparison.Ordinal));
        Assert.Contains("\"portMappings\":[{\"hostPort\":31000,\"containerPort\":80,\"protocol\":\"tcp\"}]", calls[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chain_APluginRefuses_SaysItsReasonAndUndoesAll()
    {
        var plugins = Plugins();
        File.WriteAllText($"{plugins}/refuse", "");
        var networks = await _lab.AgentAsync(_lab.Options() with
        {
            CniConfigDir = Configuration("lan.conflist", """{"cniVersion":"0.4.0","name":"lan","plugins":[{"type":"first"},{"type":"second"}]}"""),
            CniPluginDirs = plugins,
        });
        var e = await Assert.ThrowsAsync<NetworkException>(() => networks.AttachAsync(NetworkLab.On("c1", ["lan"])));
        Assert.Equal("the CNI plugin 'second' of network 'lan' failed: no: not today", e.Message);
        await networks.DetachAsync("c1");
        Assert.Equal(["first ADD", "second ADD", "second DEL", "first DEL"], File.ReadAllLines($"{plugins}/calls").Select(call => string.Join(' ', call.Split(' ')[..2])));
    }

    [Fact]
    public async Task Chain_PluginIsMissing_NamesItAndWhereItWasLookedFor()
    {
        var networks = await _lab.AgentAsync(_lab.Options() with
        {
            CniConfigDir = Configuration("lan.conf", """{"cniVersion":"0.4.0","name":"lan","type":"nowhere"}"""), CniPluginDirs = "/no/such:/nor/this",
        });
        var e = await Assert.ThrowsAsync<NetworkException>(() => networks.AttachAsync(NetworkLab.On("c1", ["lan"])));
        Assert.Equal("the CNI plugin 'nowhere' of network 'lan' is not in /no/such or /nor/this on this node", e.Message);
    }

    [Fact]
    public async Task Debian_BridgeAndPortmap_ServeAContainerBesideABridgeOfOurs()
    {
        Assert.SkipUnless(File.Exists("/usr/lib/cni/portmap"), "needs containernetworking-plugins");
        var directory = Configuration("lan.conflist", $$$"""
            {"cniVersion":"0.4.0","name":"lan","plugins":[
             {"type":"bridge","bridge":"ptcni{{{Environment.ProcessId % 100000}}}","isGateway":true,"ipMasq":true,"hairpinMode":true,
              "ipam":{"type":"host-local","ranges":[[{"subnet":"10.94.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"dataDir":"{{{_lab.Directory}}}/ipam"}},
             {"type":"portmap","capabilities":{"portMappings":true},"snat":true}]}
            """);
        var networks = await _lab.AgentAsync(_lab.Options() with { CniConfigDir = directory, CniPluginDirs = "/usr/lib/cni" });
        var place = await networks.AttachAsync(NetworkLab.On("c1", ["lan"], NetworkLab.Port(31000, 80)));
        Assert.Equal(["10.94.0.2"], place.Addresses);
        await using var serving = await NetworkLab.ServeAsync(place, 80, "it");
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, "10.94.0.2", 80));
        var ours = await networks.AttachAsync(NetworkLab.Request("c2"));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(ours.NamespacePath, NetworkLab.MachineAddress, 31000));
        await networks.DetachAsync("c1");
        await networks.DetachAsync("c2");
        Assert.Null(await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000, patienceMs: 300));
        Assert.Empty(Directory.EnumerateFiles($"{_lab.Directory}/ipam/lan", "10.*"));
    }
}
