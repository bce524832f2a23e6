using Pacer.Server.Api.Launching;

namespace Pacer.Shell.Tests.Api;

public sealed class DrainPauseTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("HAPROXY_GROUP=external", 500)]
    [InlineData("HAPROXY_1_GROUP=internal", 500)]
    [InlineData("HAPROXY_DEPLOYMENT_GROUP=web", 0)]
    [InlineData("PACER_LB_DRAIN_SECONDS=2.5", 2500)]
    [InlineData("HAPROXY_GROUP=external|PACER_LB_DRAIN_SECONDS=0", 0)]
    [InlineData("HAPROXY_GROUP=external|PACER_LB_DRAIN_SECONDS=soon", 500)]
    public void Labels_SayHowLongATaskDrains(string labels, long milliseconds) =>
        Assert.Equal(milliseconds, DrainPause.Milliseconds(labels.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(label => label.Split('=')).ToDictionary(parts => parts[0], parts => parts[1])));
}
