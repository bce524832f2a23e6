using Pacer.Server.Api.Apps;

namespace Pacer.Shell.Tests.Api;

public sealed class LabelSelectorTests
{
    private static readonly Dictionary<string, string> Labels = new() { ["tier"] = "front end", ["stage"] = "prod", ["in"] = "x" };

    [Theory]
    [InlineData("tier", true)]
    [InlineData("missing", false)]
    [InlineData("stage==prod", true)]
    [InlineData(" stage == prod , tier ", true)]
    [InlineData("stage!=prod", false)]
    [InlineData("stage != dev", true)]
    [InlineData("missing!=x", false)]
    [InlineData("stage in (dev, prod)", true)]
    [InlineData("stage in(dev)", false)]
    [InlineData("stage notin (dev)", true)]
    [InlineData("missing notin (dev)", false)]
    [InlineData("tier==front\\ end", true)]
    [InlineData("in", true)]
    [InlineData("in in (x)", true)]
    public void Selector_Valid_Selects(string text, bool expected)
    {
        Assert.True(LabelSelector.TryParse(text, out var selector, out var error), error);
        Assert.Equal(expected, selector.Matches(Labels));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a,")]
    [InlineData("a=b")]
    [InlineData("a==")]
    [InlineData("a in b")]
    [InlineData("a in (b")]
    [InlineData("a in ()")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a==b)")]
    public void Selector_Invalid_IsExplained(string text)
    {
        Assert.False(LabelSelector.TryParse(text, out _, out var error));
        Assert.StartsWith("Invalid label selector", error);
    }
}
