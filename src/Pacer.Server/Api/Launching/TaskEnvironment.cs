using System.Globalization;
using System.Text;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;

namespace Pacer.Server.Api.Launching;

/// <summary>Environment of an app's task (marathon-model.md §13.1, §13.2): context, then ports and host, then the user's own.</summary>
internal static class TaskEnvironment
{
    private const int MaxLabelName = 493;
    private const int MaxLabelValue = 512;
    private const double MiB = 1024 * 1024;

    public static Dictionary<string, string> Build(
        RunSpec spec, App app, TaskId taskId, string host, IReadOnlyList<EffectivePort> ports, AppRules rules)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        AddContext(environment, spec, app, taskId);
        AddLabels(environment, app.Labels ?? []);
        environment[rules.EnvVarsPrefix + "HOST"] = host;
        AddPorts(environment, ports, rules.EnvVarsPrefix);
        foreach (var (name, value) in app.Env ?? [])
        {
            // Secrets are put in last, apart from the rest.
            if (value.Text is { } text)
            {
                environment[name] = text;
            }
        }
        return environment;
    }

    private static void AddContext(Dictionary<string, string> environment, RunSpec spec, App app, TaskId taskId)
    {
        environment["MESOS_TASK_ID"] = taskId.Value;
        environment["MARATHON_APP_ID"] = spec.Id.Path;
        environment["MARATHON_APP_VERSION"] = spec.Version.ToString();
        if (app.Container is { Type: "DOCKER", Docker.Image: { } image })
        {
            environment["MARATHON_APP_DOCKER_IMAGE"] = image;
        }
        environment["MARATHON_APP_RESOURCE_CPUS"] = DoubleText(app.Cpus ?? spec.Resources.CpuMillis / 1000d);
        environment["MARATHON_APP_RESOURCE_MEM"] = DoubleText(app.Mem ?? spec.Resources.MemoryBytes / MiB);
        environment["MARATHON_APP_RESOURCE_DISK"] = DoubleText(app.Disk ?? spec.Resources.DiskBytes / MiB);
        environment["MARATHON_APP_RESOURCE_GPUS"] = spec.Resources.Gpus.ToString(CultureInfo.InvariantCulture);
        environment["MARATHON_APP_ENFORCE_GROUP_ROLE"] = "FALSE";
    }

    public static void AddLabels(Dictionary<string, string> environment, Dictionary<string, string> labels)
    {
        var names = new List<string>();
        foreach (var (name, value) in labels)
        {
            if (name.Length >= MaxLabelName || value.Length >= MaxLabelValue || value.Contains('\0'))
            {
                continue;
            }
            var escaped = Escape(name);
            names.Add(escaped);
            environment["MARATHON_APP_LABEL_" + escaped] = value;
        }
        environment["MARATHON_APP_LABELS"] = string.Join(' ', names);
    }

    // PORT and PORTS leave out container ports that were given by number and have no port on the node: clients know them already.
    private static void AddPorts(Dictionary<string, string> environment, IReadOnlyList<EffectivePort> ports, string prefix)
    {
        if (ports.Count == 0)
        {
            return;
        }
        for (var i = 0; i < ports.Count; i++)
        {
            var port = ports[i];
            var effective = port.Effective.ToString(CultureInfo.InvariantCulture);
            environment[FormattableString.Invariant($"{prefix}PORT{i}")] = effective;
            var number = port.Declared == 0 ? port.Effective : port.Declared;
            environment[FormattableString.Invariant($"{prefix}PORT_{number}")] = effective;
            if (port.Name is { } name)
            {
                environment[$"{prefix}PORT_{name.ToUpperInvariant()}"] = effective;
            }
        }
        var listed = ports.Where(port => port.HostPort is not null).Select(port => port.HostPort!.Value)
            .Concat(ports.Where(port => port.Generated).Select(port => port.ContainerPort))
            .Select(number => number.ToString(CultureInfo.InvariantCulture)).ToList();
        if (listed.Count > 0)
        {
            environment[prefix + "PORT"] = listed[0];
        }
        environment[prefix + "PORTS"] = string.Join(',', listed);
    }

    /// <summary>Each run of characters that variable names can't hold becomes one underscore; upper case.</summary>
    private static string Escape(string label)
    {
        var escaped = new StringBuilder(label.Length);
        var inRun = false;
        foreach (var c in label)
        {
            var isPlain = char.IsAsciiLetterOrDigit(c) || c == '_';
            if (isPlain)
            {
                escaped.Append(char.ToUpperInvariant(c));
            }
            else if (!inRun)
            {
                escaped.Append('_');
            }
            inRun = !isPlain;
        }
        return escaped.ToString();
    }

    /// <summary>Doubles as scripts written for Marathon expect them: <c>0.1</c>, <c>128.0</c>, <c>1.0E7</c>.</summary>
    public static string DoubleText(double value)
    {
        if (value is 0 or (>= 1e-3 and < 1e7))
        {
            var plain = value.ToString("0.0################", CultureInfo.InvariantCulture);
            return double.Parse(plain, CultureInfo.InvariantCulture) == value ? plain : value.ToString("R", CultureInfo.InvariantCulture);
        }
        var exponent = (int)Math.Floor(Math.Log10(value));
        var mantissa = value / Math.Pow(10, exponent);
        return FormattableString.Invariant($"{mantissa:0.0##############}E{exponent}");
    }
}
