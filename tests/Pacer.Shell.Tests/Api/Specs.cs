using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;

namespace Pacer.Shell.Tests.Api;

/// <summary>Apps and run specs from JSON texts, by the way that requests go.</summary>
internal static class Specs
{
    public static RunSpec Sleep(string id) => Spec($$"""{"id":"{{id}}","cmd":"sleep 1","instances":0}""");

    public static App App(string json, AppRules? rules = null)
    {
        using var body = RequestBody.Parse(System.Text.Encoding.UTF8.GetBytes(json));
        AppReader.CheckSchema(body.RootElement, AppSchema.App);
        return new AppReader(rules ?? new AppRules()).ReadComplete(body.RootElement, id: null);
    }

    public static RunSpec Spec(string json, AppRules? rules = null) => AppConversion.ToRunSpec(App(json, rules));

    public static App Update(RunSpec current, string json)
    {
        using var body = RequestBody.Parse(System.Text.Encoding.UTF8.GetBytes(json));
        AppReader.CheckSchema(body.RootElement, AppSchema.App);
        return new AppReader(new AppRules()).ReadUpdate(body.RootElement, current);
    }

    public static string Json(App app) => JsonSerializer.Serialize(app, WireJson.Plain.App);
}
