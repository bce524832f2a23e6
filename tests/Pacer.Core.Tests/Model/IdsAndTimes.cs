using Pacer.Core.Model;

namespace Pacer.Core.Tests.Model;

public sealed class IdsAndTimes
{
    [Fact]
    public void TaskId_TakenApart_GivesInstanceContainerAndIncarnation()
    {
        var instance = InstanceId.Create(new RunSpecId("/shop/cart"), "5d1f9c4e-0000-4000-8000-000000000000");
        Assert.Equal("shop_cart.instance-5d1f9c4e-0000-4000-8000-000000000000", instance.Value);
        Assert.Equal("/shop/cart", instance.RunSpecId.Path);
        var task = TaskId.Create(instance, TaskId.AppContainer, 3);
        Assert.True(task.TryGetInstance(out var back, out var container, out var incarnation));
        Assert.Equal((instance, "_app", 3), (back, container, incarnation));
    }

    [Fact]
    public void TaskId_OfAnAppWithDotsInItsId_KeepsThem()
    {
        var instance = InstanceId.Create(new RunSpecId("/a.b/c.d"), "5d1f9c4e-0000-4000-8000-000000000000");
        Assert.Equal("/a.b/c.d", instance.RunSpecId.Path);
        Assert.True(TaskId.Create(instance, "_app", 1).TryGetInstance(out var back, out _, out _));
        Assert.Equal(instance, back);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("x.y")]
    [InlineData("x.y.z")]
    [InlineData("...")]
    [InlineData(".1")]
    public void TaskId_OfAnotherForm_IsNotTakenApart(string text) => Assert.False(new TaskId(text).TryGetInstance(out _, out _, out _));

    [Fact]
    public void HostnameForm_ReversesTheSegments() => Assert.Equal("cart.shop", new RunSpecId("/shop/cart").HostnameForm);

    [Theory]
    [InlineData("/a/b", "/a", true)]
    [InlineData("/ab", "/a", false)]
    [InlineData("/a", "/a", false)]
    [InlineData("/a", "/", true)]
    public void IsInGroup_LooksAtWholeSegments(string id, string group, bool expected) => Assert.Equal(expected, new RunSpecId(id).IsInGroup(group));

    [Theory]
    [InlineData("2024-01-02T03:04:05.006Z", "2024-01-02T03:04:05.006Z")]
    [InlineData("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000Z")]
    [InlineData("2024-01-02T05:04:05.006+02:00", "2024-01-02T03:04:05.006Z")]
    public void Timestamp_ParsesIsoAndPrintsMarathonsLayout(string text, string expected)
    {
        Assert.True(Timestamp.TryParse(text, out var timestamp));
        Assert.Equal(expected, timestamp.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2024-01-02")]
    public void Timestamp_RefusesOtherText(string? text) => Assert.False(Timestamp.TryParse(text, out _));
}
