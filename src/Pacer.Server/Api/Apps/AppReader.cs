using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps.Validation;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// From a JSON element to a valid canonical app: schema, deprecated forms, defaults, rules. Throws <see cref="ApiException"/> (422)
/// with everything that is wrong.
/// </summary>
internal sealed class AppReader(AppRules rules, Func<string, bool>? enforcesRole = null)
{
    /// <summary>Checks a body against the schema. Gives the warnings; none of the other methods may be called on a body that failed.</summary>
    public static IReadOnlyList<string> CheckSchema(JsonElement body, Shape shape)
    {
        var walk = new SchemaWalk();
        walk.Check(body, shape);
        return walk.Failed ? throw new ApiException(ApiErrors.InvalidJson(walk.Errors)) : walk.Warnings;
    }

    /// <param name="id">Id from the URL, which counts more than that of the body; null: the body's.</param>
    /// <param name="path">Where the element lies in the body, for the error's paths.</param>
    public App ReadComplete(JsonElement element, RunSpecId? id, string path = "", AppPlace? place = null)
    {
        var app = Deserialize(element);
        app.Id = id?.Path ?? Resolved(app.Id, path);
        if (place?.Group is { } group)
        {
            app.Dependencies = app.Dependencies?.ConvertAll(dependency => RunSpecPath.Resolve(dependency, group, out _) ?? dependency);
        }
        var errors = new ErrorCollector();
        DeprecatedFields.Translate(app, rules, isUpdate: false, errors);
        return Finish(app, errors, path, place);
    }

    /// <summary>The current app with the element's members put over it.</summary>
    public App ReadUpdate(JsonElement element, RunSpec current, string path = "")
    {
        var update = Deserialize(element);
        update.Id = current.Id.Path;
        var errors = new ErrorCollector();
        DeprecatedFields.Translate(update, rules, isUpdate: true, errors);
        return Finish(AppUpdate.Merge(AppConversion.ToApp(current), update), errors, path, new AppPlace(CurrentRole: current.Role));
    }

    /// <summary>The absolute id of an element of a bulk request.</summary>
    public static RunSpecId ReadId(JsonElement element, string path)
    {
        if (!element.TryGetProperty("id", out var given) || given.ValueKind != JsonValueKind.String)
        {
            throw new ApiException(ApiErrors.Unprocessable("requirement failed: App Update must have app id set"));
        }
        return new RunSpecId(Resolved(given.GetString(), path)!);
    }

    /// <summary>
    /// The stored version that a partial update asks to go back to; null when it asks for none. Nothing but the id may stand beside it.
    /// </summary>
    public static Timestamp? ReadRollback(JsonElement element)
    {
        if (!element.TryGetProperty("version", out var version) || version.ValueKind != JsonValueKind.String)
        {
            return null;
        }
        foreach (var member in element.EnumerateObject())
        {
            if (member.Name is not ("id" or "version") && member.Value.ValueKind != JsonValueKind.Null
                && AppSchema.App.ByName.ContainsKey(member.Name))
            {
                throw new ApiException(ApiErrors.InvalidObject("/version",
                    $"The 'version' field may only be combined with the 'id' field, not with '{member.Name}'."));
            }
        }
        return ParseVersion(version.GetString()!);
    }

    public static Timestamp ParseVersion(string text) => Timestamp.TryParse(text, out var version)
        ? version
        : throw new ApiException(ApiErrors.Unprocessable($"Invalid timestamp '{text}': must be like 2014-03-01T23:29:30.158Z"));

    private static App Deserialize(JsonElement element)
    {
        try
        {
            return element.Deserialize(WireJson.Default.App) ?? new App();
        }
        catch (JsonException error)
        {
            var at = (error.Path ?? "$").TrimStart('$').Replace('.', '/');
            throw new ApiException(ApiErrors.InvalidJson([new ErrorDetail { Path = at.Length == 0 ? "/" : at, Errors = ["error.invalid"] }]));
        }
    }

    public static string? Resolved(string? id, string path)
    {
        if (id is null)
        {
            throw new ApiException(ApiErrors.InvalidJson(
                [new ErrorDetail { Path = $"{path}/id", Errors = ["error.path.missing"], Message = "id is required" }]));
        }
        return RunSpecPath.TryResolve(id, out var resolved, out var error)
            ? resolved.Path
            : throw new ApiException(ApiErrors.InvalidObject($"{path}/id", error!));
    }

    private App Finish(App app, ErrorCollector errors, string path, AppPlace? place)
    {
        var roles = ValidRoles(app.Id!, place);
        AppDefaults.Fill(app, rules with { DefaultRole = roles[0] });
        AppValidator.Validate(app, rules, roles, errors);
        if (errors.Count == 0)
        {
            return app;
        }
        var details = path.Length == 0
            ? errors.Details
            : [.. errors.Details.Select(d => new ErrorDetail { Path = path + d.Path, Errors = d.Errors, Message = d.Message })];
        throw new ApiException(ApiErrors.InvalidObject(details));
    }

    // marathon-model.md §2.5: the default role comes first.
    public List<string> ValidRoles(string id, AppPlace? place)
    {
        var segments = id.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (segments.Length < 2)
        {
            return [rules.DefaultRole];
        }
        var top = segments[0];
        var isEnforced = place?.EnforcesRole ?? enforcesRole?.Invoke("/" + top) ?? rules.EnforceRoleOfNewGroups;
        List<string> roles = isEnforced ? [top] : [rules.DefaultRole, top];
        if (place?.CurrentRole is { } current && !roles.Contains(current))
        {
            roles.Add(current);
        }
        return roles;
    }
}

/// <summary>What is known of the place that an app shall have.</summary>
/// <param name="Group">The group that relative ids start from; null: the root.</param>
/// <param name="CurrentRole">The role that it has already, and may keep.</param>
/// <param name="EnforcesRole">What the same request makes of its top-level group; null: as that is now.</param>
internal sealed record AppPlace(string? Group = null, string? CurrentRole = null, bool? EnforcesRole = null);
