using System.Text.Json;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Groups;

/// <summary>
/// From a structural update to the changes that make one group, and all groups below it that the update names, be as it says
/// (marathon-api.md §4). What an update leaves out stays; lists that it holds are complete.
/// </summary>
internal sealed class GroupPlan(AppsContext context, ClusterState state, bool force)
{
    private readonly List<RunSpecChange> _changes = [];
    private readonly List<GroupChange> _groups = [];
    private readonly GroupTree _current = GroupTree.Current(state);
    private bool? _enforcesRole;

    public static Input.ChangeRunSpecs Make(AppsContext context, ClusterState state, JsonElement update, string id, bool force)
    {
        var plan = new GroupPlan(context, state, force);
        plan.Prepare(update, id);
        plan.Add(update, id, "");
        plan.CheckEnforceRole(id);
        return new Input.ChangeRunSpecs(default, ValueList.From(plan._changes), force)
        {
            Groups = ValueList.From(plan._groups),
            GroupId = id,
            RootBase = state.RootVersion,
        };
    }

    private void Prepare(JsonElement update, string id)
    {
        if (Flag(update) is { } enforce && IsTopLevel(id))
        {
            _enforcesRole = enforce;
        }
    }

    private void Add(JsonElement update, string id, string path)
    {
        foreach (var alone in (ReadOnlySpan<string>)["version", "scaleBy"])
        {
            if (Has(update, alone))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{path}/{alone}", "not allowed in conjunction with other properties"));
            }
        }
        var current = state.Groups.GetValueOrDefault(id);
        var enforce = Flag(update);
        if (enforce is not null && !IsTopLevel(id))
        {
            throw new ApiException(ApiErrors.InvalidObject($"{path}/enforceRole", "enforceRole can only be set on top-level groups"));
        }
        // The root is stored only for what it depends on; everybody else also for being there.
        if (id != "/" || Has(update, "dependencies"))
        {
            _groups.Add(new GroupChange.Put(
                new Group(id, Dependencies(update, id) ?? current?.Dependencies ?? [], enforce ?? current?.EnforceRole, default)));
        }
        if (Has(update, "apps"))
        {
            AddApps(update.GetProperty("apps"), id, path);
        }
        if (Has(update, "pods"))
        {
            AddPods(update.GetProperty("pods"), id, path);
        }
        if (Has(update, "groups"))
        {
            AddGroups(update.GetProperty("groups"), id, path);
        }
    }

    private void AddApps(JsonElement apps, string group, string path)
    {
        var listed = new HashSet<RunSpecId>();
        var index = 0;
        foreach (var element in apps.EnumerateArray())
        {
            var place = $"{path}/apps({index++})";
            if (GroupPath.Text(element, "id") is not { } text)
            {
                throw new ApiException(ApiErrors.InvalidJson(
                    [new() { Path = $"{place}/id", Errors = ["error.path.missing"], Message = "id is required" }]));
            }
            if (!RunSpecPath.TryResolve(text, out var id, out var error, group))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{place}/id", error!));
            }
            GroupPath.RequireChild(id.Path, group, place);
            if (!listed.Add(id))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{place}/id", $"'{id}' is named twice in one request"));
            }
            var current = AppLookup.Replaced(state, id);
            // From here on the id names the app better than its number in the list.
            place = $"{path}/apps/{id}";
            var app = context.Reader.ReadComplete(element, id, place, new AppPlace(group, current?.Role, _enforcesRole));
            AppChanges.CheckResident(current, app, place, force);
            _changes.Add(new RunSpecChange.Put(AppConversion.ToRunSpec(app), current?.Version));
        }
        foreach (var existing in _current.RunSpecs(group))
        {
            if (existing.Kind == RunSpecKind.App && !listed.Contains(existing.Id))
            {
                _changes.Add(new RunSpecChange.Remove(existing.Id));
            }
        }
    }

    // Pods that the list leaves out stay: bodies written for Marathon, which takes no pods here, mean nothing by leaving them out.
    private void AddPods(JsonElement pods, string group, string path)
    {
        var index = 0;
        foreach (var element in pods.EnumerateArray())
        {
            var place = $"{path}/pods({index++})";
            // What an answer shows of a pod may come back: the definition is its "spec".
            var isStatus = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("spec", out _);
            var pod = isStatus ? element.GetProperty("spec") : element;
            PodReader.CheckSchema(pod, isStatus ? place + "/spec" : place);
            if (!RunSpecPath.TryResolve(GroupPath.Text(pod, "id")!, out var id, out var error, group))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{place}/id", error!));
            }
            GroupPath.RequireChild(id.Path, group, place);
            var current = PodLookup.Replaced(state, id);
            var spec = PodReader.Read(context, pod, id, current, force, $"{path}/pods/{id}", new AppPlace(group, current?.Role, _enforcesRole));
            _changes.Add(new RunSpecChange.Put(spec, current?.Version));
        }
    }

    private void AddGroups(JsonElement groups, string parent, string path)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var element in groups.EnumerateArray())
        {
            var place = $"{path}/groups({index++})";
            if (GroupPath.Text(element, "id") is null)
            {
                throw new ApiException(ApiErrors.InvalidJson(
                    [new() { Path = $"{place}/id", Errors = ["error.path.missing"], Message = "id is required" }]));
            }
            var id = GroupPath.OfBody(element, parent, place);
            GroupPath.RequireChild(id, parent, place);
            if (!listed.Add(id))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{place}/id", $"'{id}' is named twice in one request"));
            }
            var outer = _enforcesRole;
            _enforcesRole = Flag(element) is { } enforce && IsTopLevel(id) ? enforce : outer;
            Add(element, id, place);
            CheckEnforceRole(id, place);
            _enforcesRole = outer;
        }
        foreach (var existing in _current.Groups(parent).Where(id => !listed.Contains(id)))
        {
            _groups.Add(new GroupChange.Remove(existing));
        }
    }

    // Roles of running services would have to follow: who changes both says so in two requests.
    private void CheckEnforceRole(string id, string path = "")
    {
        if (_enforcesRole is { } enforce && IsTopLevel(id) && state.HasGroup(id)
            && enforce != (state.Groups.GetValueOrDefault(id)?.EnforceRole ?? context.Rules.EnforceRoleOfNewGroups)
            && _changes.Any(change => change.Id.IsInGroup(id)))
        {
            throw new ApiException(ApiErrors.InvalidObject($"{path}/enforceRole",
                "enforceRole may not change in a request that changes services: enforceRole changes must be made in a separate request"));
        }
    }

    private static ValueList<string>? Dependencies(JsonElement update, string id)
    {
        if (!Has(update, "dependencies"))
        {
            return null;
        }
        return ValueList.From(update.GetProperty("dependencies").EnumerateArray()
            .Select(item => RunSpecPath.Resolve(item.GetString()!, id, out _)!).Distinct().Order(StringComparer.Ordinal));
    }

    private static bool Has(JsonElement update, string name) =>
        update.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private static bool? Flag(JsonElement update) => Has(update, "enforceRole") ? update.GetProperty("enforceRole").GetBoolean() : null;

    private static bool IsTopLevel(string id) => id != "/" && new RunSpecId(id).Group == "/";
}
