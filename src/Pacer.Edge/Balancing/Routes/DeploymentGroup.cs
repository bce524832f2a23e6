using System.Globalization;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Routes;

/// <param name="Tasks">By id.</param>
internal sealed record PublishedService(EndpointService Service, IReadOnlyList<EndpointTask> Tasks)
{
    /// <summary>The deployment group with a slash in front, or the service's own id.</summary>
    public string LogicalId => Service.Labels.GetValueOrDefault("HAPROXY_DEPLOYMENT_GROUP") is { Length: > 0 } group ? "/" + group.TrimStart('/') : Service.Id;
}

/// <summary>
/// Two versions of one service as two apps (Marathon-LB's blue and green): they share one backend, and as many of the older version's
/// tasks give way as the newer has healthy ones.
/// </summary>
internal sealed record DeploymentGroup(PublishedService Lead, IReadOnlyList<(PublishedService Service, IReadOnlySet<string> Draining)> Members, IReadOnlyList<BalancerWarning> Warnings)
{
    /// <summary>Percent of the requests that the newer of two versions gets; null: each task gets its part.</summary>
    public int? Share { get; private init; }

    private static readonly HashSet<string> None = [];

    public static DeploymentGroup Of(List<PublishedService> services)
    {
        var ordered = services.OrderBy(StartedAt).ThenBy(service => service.Service.Id, StringComparer.Ordinal).ToList();
        var lead = ordered[^1];
        if (ordered.Count == 1)
        {
            return new DeploymentGroup(lead, [(lead, None)], []);
        }
        var warnings = new List<BalancerWarning>();
        if (ordered.Count > 2)
        {
            warnings.Add(new BalancerWarning(lead.Service.Id, "HAPROXY_DEPLOYMENT_GROUP",
                $"HAPROXY_DEPLOYMENT_GROUP: {string.Join(", ", ordered.Select(service => service.Service.Id))} are in one group, which is for two; all of them get requests."));
            return new DeploymentGroup(lead, [.. ordered.Select(service => (service, (IReadOnlySet<string>)None))], warnings);
        }
        var (old, @new) = (ordered[0], ordered[1]);
        var target = Whole(@new, "HAPROXY_DEPLOYMENT_TARGET_INSTANCES") ?? @new.Tasks.Count;
        var healthy = @new.Tasks.Count(task => IsServing(task, @new.Service));
        var draining = Math.Min(Math.Min(old.Tasks.Count, healthy), Math.Max(0, healthy + old.Tasks.Count - target));
        // The share is a canary's. Once there are more of the newer version than its canary has, it is taking over: by instances, as ever.
        var share = Whole(@new, "PACER_LB_SHARE", 100);
        if (healthy > (Whole(@new, "HAPROXY_DEPLOYMENT_NEW_INSTANCES") ?? int.MaxValue))
        {
            share = null;
        }
        return new DeploymentGroup(@new, [(old, old.Tasks.Take(draining).Select(task => task.Id).ToHashSet(StringComparer.Ordinal)), (@new, None)], warnings) { Share = share };

        int? Whole(PublishedService service, string label, int most = int.MaxValue)
        {
            if (service.Service.Labels.GetValueOrDefault(label) is not { Length: > 0 } text)
            {
                return null;
            }
            var number = LabelText.Whole(text, 0, most);
            if (number is null)
            {
                warnings.Add(new BalancerWarning(service.Service.Id, label, $"{label}: '{text}' is not valid and has no effect. Give a whole number{(most < int.MaxValue ? $" from 0 to {most}" : "")}."));
            }
            return number;
        }
    }

    // No time: it was there before the tool that writes it.
    private static DateTimeOffset StartedAt(PublishedService service) =>
        DateTimeOffset.TryParse(service.Service.Labels.GetValueOrDefault("HAPROXY_DEPLOYMENT_STARTED_AT"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time : DateTimeOffset.MinValue;

    private static bool IsServing(EndpointTask task, EndpointService service) =>
        task is { State: "TASK_RUNNING", Draining: false, Ready: true } && (service.HealthChecks == 0 || task.Healthy == true);
}
