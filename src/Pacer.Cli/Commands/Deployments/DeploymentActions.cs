namespace Pacer.Cli.Commands.Deployments;

/// <summary>Short names of a deployment's actions.</summary>
internal static class DeploymentActions
{
    public static string Short(string action) => action switch
    {
        "ResolveArtifacts" => "artifacts",
        "ScaleApplication" or "ScalePod" => "scale",
        "StartApplication" or "StartPod" => "start",
        "StopApplication" or "StopPod" => "stop",
        "RestartApplication" or "RestartPod" => "restart",
        "KillAllOldTasksOf" => "kill-tasks",
        _ => action,
    };
}
