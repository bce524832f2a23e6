using System.Text.Json;
using Pacer.Agent.Networks;
using Pacer.Agent.Networks.Cni;

namespace Pacer.Shell.Tests.Networks;

/// <summary>CNI's messages.</summary>
public sealed class CniTextTests
{
    private const string List = """
        {"cniVersion":"0.4.0","name":"lan","plugins":[
          {"type":"bridge","args":{"x":1}},
          {"type":"portmap","capabilities":{"portMappings":true},"snat":true}]}
        """;

    [Fact]
    public void Network_SingleConfiguration_IsAChainOfOne()
    {
        var network = CniNetwork.Parse("""{"cniVersion":"0.3.1","name":"n","type":"ptp"}""");
        Assert.Equal(("n", "0.3.1", "ptp", false), (network.Name, network.Version, Assert.Single(network.Plugins).Type, network.MapsPorts));
    }

    [Theory]
    [InlineData("{", "JSON")]
    [InlineData("[]", "name")]
    [InlineData("""{"type":"bridge"}""", "name")]
    [InlineData("""{"name":"n"}""", "type")]
    [InlineData("""{"name":"n","plugins":[]}""", "plugins")]
    [InlineData("""{"name":"n","type":"../sh"}""", "../sh")]
    public void Network_BadConfiguration_SaysWhy(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => CniNetwork.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Input_PluginWithPortMappings_GetsThemWithLabelsAndThePreviousResult()
    {
        var network = CniNetwork.Parse(List);
        var input = CniMessages.Input(network, network.Plugins[1], new Dictionary<string, string> { ["k"] = "v" }, [new MappedPort(31000, "udp", 53, "lan")], """{"ips":[]}""");
        using var json = JsonDocument.Parse(input);
        var root = json.RootElement;
        Assert.Equal(("0.4.0", "lan", "portmap", true),
            (root.GetProperty("cniVersion").GetString(), root.GetProperty("name").GetString(), root.GetProperty("type").GetString(), root.GetProperty("snat").GetBoolean()));
        Assert.Equal("""{"portMappings":[{"hostPort":31000,"containerPort":53,"protocol":"udp"}]}""", root.GetProperty("runtimeConfig").GetRawText());
        Assert.Equal("""{"org.apache.mesos":{"network_info":{"name":"lan","labels":{"labels":[{"key":"k","value":"v"}]}}}}""", root.GetProperty("args").GetRawText());
        Assert.Equal("""{"ips":[]}""", root.GetProperty("prevResult").GetRawText());
    }

    [Fact]
    public void Input_PluginWithoutPortMappings_KeepsItsOwnArgumentsAndGetsNone()
    {
        var network = CniNetwork.Parse(List);
        using var json = JsonDocument.Parse(CniMessages.Input(network, network.Plugins[0], new Dictionary<string, string>(), [], null));
        Assert.Equal(1, json.RootElement.GetProperty("args").GetProperty("x").GetInt32());
        Assert.False(json.RootElement.TryGetProperty("runtimeConfig", out _));
        Assert.False(json.RootElement.TryGetProperty("prevResult", out _));
    }

    [Theory]
    [InlineData("""{"ips":[{"version":"6","address":"fd00::2/64"},{"version":"4","address":"10.77.0.2/24","gateway":"10.77.0.1"}]}""", "10.77.0.2 fd00::2")]
    [InlineData("""{"ip4":{"ip":"10.77.0.3/24"}}""", "10.77.0.3")]
    [InlineData("""{"ips":"odd"}""", "")]
    [InlineData("nonsense", "")]
    public void Result_Addresses_AreReadFromEveryVersion(string result, string expected) => Assert.Equal(expected, string.Join(' ', CniMessages.Addresses(result)));

    [Theory]
    [InlineData("""{"code":11,"msg":"no address","details":"pool is full"}""", "no address: pool is full")]
    [InlineData("""{"code":11,"msg":"no address"}""", "no address")]
    [InlineData("Segmentation fault", null)]
    public void Error_OfPlugin_IsItsMessage(string answer, string? expected) => Assert.Equal(expected, CniMessages.Error(answer));
}
