using Pacer.Core.Model;

namespace Pacer.Server.Events;

/// <summary>Names of a deployment's actions, as the API and the events show them.</summary>
internal static class DeploymentActionNames
{
    public static string Of(DeploymentAction action) => (action.Kind, action.RunSpecKind) switch
    {
        (ActionKind.Start, RunSpecKind.App) => "StartApplication",
        (ActionKind.Scale, RunSpecKind.App) => "ScaleApplication",
        (ActionKind.Restart, RunSpecKind.App) => "RestartApplication",
        (ActionKind.Stop, RunSpecKind.App) => "StopApplication",
        (ActionKind.Start, _) => "StartPod",
        (ActionKind.Scale, _) => "ScalePod",
        (ActionKind.Restart, _) => "RestartPod",
        _ => "StopPod",
    };
}
