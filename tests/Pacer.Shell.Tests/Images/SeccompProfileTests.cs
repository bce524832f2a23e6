using System.Text;
using System.Text.Json.Nodes;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;

namespace Pacer.Shell.Tests.Images;

public sealed class SeccompProfileTests
{
    private const string Profile =
        """
        {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,
         "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],
         "syscalls":[
          {"names":["read"],"action":"SCMP_ACT_ALLOW","args":[],"comment":"x","includes":{},"excludes":{} },
          {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]} },
          {"names":["mount"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"excludes":{"caps":["CAP_SYS_ADMIN"]} },
          {"names":["other"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]} },
          {"name":"old","action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2,"valueTwo":0,"op":"SCMP_CMP_EQ"}]}]}
        """;

    [Theory]
    [InlineData("CAP_CHOWN", "read:SCMP_ACT_ALLOW mount:SCMP_ACT_ERRNO old:SCMP_ACT_ALLOW")]
    [InlineData("CAP_SYS_ADMIN", "read:SCMP_ACT_ALLOW mount:SCMP_ACT_ALLOW old:SCMP_ACT_ALLOW")]
    public void ToOci_Conditions_AreThoseOfTheContainer(string capability, string rules)
    {
        var oci = JsonNode.Parse(SeccompProfile.ToOci(Encoding.UTF8.GetBytes(Profile), "p", [capability]).Span)!;
        Assert.Equal(rules, string.Join(' ', oci["syscalls"]!.AsArray().Select(rule => $"{rule!["names"]![0]}:{rule["action"]}")));
        Assert.Equal(("SCMP_ACT_ERRNO", 38, 2), (oci["defaultAction"]!.ToString(), oci["defaultErrnoRet"]!.GetValue<int>(), oci["architectures"]!.AsArray().Count));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("x")]
    public void ToOci_NoProfile_IsRefusedByName(string text) => Assert.Contains("'p'", Assert.Throws<ContainerStartException>(
        () => SeccompProfile.ToOci(Encoding.UTF8.GetBytes(text), "p", [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Find_NameThatIsAPath_IsNoProfile() => Assert.Throws<ContainerStartException>(
        () => new SeccompProfiles("/etc").Find("../etc/hostname", false, true, []));
}
