using System.Globalization;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;

namespace Pacer.Server.Api.Launching;

/// <summary>
/// Environment of one container of a pod (marathon-model.md §13.3): the user's own first, so that, unlike an app's, it does not win over
/// what the system sets.
/// </summary>
internal static class PodEnvironment
{
    public static Dictionary<string, string> Build(
        RunSpec spec, Pod pod, PodContainer container, Instance instance, TaskId taskId, Placement placement, Dictionary<string, int> ports,
        AppRules rules)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in (pod.Environment ?? []).Concat(container.Environment ?? []))
        {
            if (value.Text is { } text)
            {
                environment[name] = text;
            }
            else
            {
                environment.Remove(name); // a secret, which is put in apart from the rest
            }
        }
        environment["HOST"] = placement.Hostname;
        environment["MESOS_TASK_ID"] = taskId.Value;
        environment["MESOS_EXECUTOR_ID"] = instance.Id.Value;
        environment["MARATHON_APP_ID"] = spec.Id.Path;
        environment["MARATHON_APP_VERSION"] = spec.Version.ToString();
        environment["MARATHON_CONTAINER_ID"] = container.Name!;
        environment["MARATHON_APP_ENFORCE_GROUP_ROLE"] = "FALSE";
        var resources = container.Resources!;
        environment["MARATHON_CONTAINER_RESOURCE_CPUS"] = TaskEnvironment.DoubleText(resources.Cpus!.Value);
        environment["MARATHON_CONTAINER_RESOURCE_MEM"] = TaskEnvironment.DoubleText(resources.Mem!.Value);
        environment["MARATHON_CONTAINER_RESOURCE_DISK"] = TaskEnvironment.DoubleText(resources.Disk!.Value);
        environment["MARATHON_CONTAINER_RESOURCE_GPUS"] = resources.Gpus!.Value.ToString(CultureInfo.InvariantCulture);
        var labels = new Dictionary<string, string>(pod.Labels ?? [], StringComparer.Ordinal);
        foreach (var (name, value) in container.Labels ?? [])
        {
            labels[name] = value;
        }
        TaskEnvironment.AddLabels(environment, labels);
        AddEndpoints(environment, pod, ports, rules.EnvVarsPrefix.ToUpperInvariant());
        return environment;
    }

    /// <summary>Where a container listens for an endpoint: its own port, else the node's. Null when the definition leaves it open.</summary>
    public static int? ListenPort(PodEndpoint? endpoint, Dictionary<string, int> ports) =>
        endpoint is null ? null : endpoint.ContainerPort ?? (ports.TryGetValue(endpoint.Name!, out var port) ? port : null);

    // Every container knows all endpoints of its pod: that is how they find each other.
    private static void AddEndpoints(Dictionary<string, string> environment, Pod pod, Dictionary<string, int> ports, string prefix)
    {
        foreach (var endpoint in pod.Containers!.SelectMany(container => container.Endpoints ?? []))
        {
            var name = Escape(endpoint.Name!);
            if (ports.TryGetValue(endpoint.Name!, out var hostPort))
            {
                environment[$"{prefix}EP_HOST_{name}"] = hostPort.ToString(CultureInfo.InvariantCulture);
            }
            if (ListenPort(endpoint, ports) is { } port)
            {
                var text = port.ToString(CultureInfo.InvariantCulture);
                environment[$"{prefix}ENDPOINT_{name}"] = text;
                environment[$"{prefix}EP_CONTAINER_{name}"] = text;
            }
        }
    }

    private static string Escape(string name) =>
        string.Create(name.Length, name, (span, text) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsAsciiLetterOrDigit(text[i]) ? char.ToUpperInvariant(text[i]) : '_';
            }
        });
}
