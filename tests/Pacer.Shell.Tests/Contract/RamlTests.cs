using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.OpenApi;
using Pacer.Server.Api.Pods;

namespace Pacer.Shell.Tests.Contract;

/// <summary>
/// The tables that requests are checked with, and those that describe answers, are Marathon's, but for what docs/compatibility.md names with
/// its reason.
/// </summary>
public sealed class RamlTests
{
    private static readonly (Shape Shape, string Type)[] Requests =
    [
        (AppSchema.App, "app.App"),
        (GroupSchema.Update, "group.GroupUpdate"),
        (GroupSchema.Patch, "group.GroupPartialUpdate"),
        (PodSchema.Pod, "pod.Pod"),
    ];

    private static readonly (Shape Shape, string Type)[] Answers =
    [
        (AnswerShapes.AppInfo, "app.AppInfo"),
        (AnswerShapes.AppList, "app.AppList"),
        (AnswerShapes.VersionList, "app.VersionList"),
        (AnswerShapes.TaskList, "task.TaskList"),
        (AnswerShapes.TaskSingle, "task.TaskSingle"),
        (AnswerShapes.DeploymentResult, "deploymentResult.DeploymentResult"),
        (AnswerShapes.Error, "error.Error"),
        (ClusterAnswerShapes.GroupInfo, "group.GroupInfo"),
        (((Shape.List)ClusterAnswerShapes.Deployments).Item, "deploymentEventsInfo.DeploymentStepInfo"),
        (ClusterAnswerShapes.DeploymentSteps, "deploymentSteps.DeploymentSteps"),
        (ClusterAnswerShapes.Queue, "queue.Queue"),
        (ClusterAnswerShapes.Leader, "info.LeaderInfo"),
        (ClusterAnswerShapes.Info, "info.MarathonInfo"),
        (PodAnswerShapes.Status, "podStatus.PodStatus"),
        (PodAnswerShapes.Instance, "instance.Instance"),
    ];

    [Fact]
    public void RequestTables_AgainstTheRaml_DifferOnlyWhereMeant() => Compare(Requests, "requests", isAnswer: false);

    [Fact]
    public void AnswerTables_AgainstTheRaml_DifferOnlyWhereMeant() => Compare(Answers, "answers", isAnswer: true);

    private static void Compare((Shape Shape, string Type)[] pairs, string where, bool isAnswer)
    {
        var meant = CompatibilityPage.Rows("## Fields that differ from Marathon's schema").Where(row => row[0] == where)
            .Select(row => $"{row[1].Trim('`')}: {row[2]}").ToList();
        var raml = RamlLibrary.Open();
        var comparison = new ShapeComparison(isAnswer);
        foreach (var (shape, type) in pairs)
        {
            comparison.Compare(shape, raml.Type(type), (shape as Shape.Record)?.Name ?? type);
        }
        var surprising = comparison.Differences.Except(meant).ToList();
        Assert.True(surprising.Count == 0, string.Join('\n', surprising.Prepend("Not meant:")));
        Assert.Empty(meant.Except(comparison.Differences));
    }
}
