using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>Reads and writes all wire types without reflection. <see cref="Plain"/> is the one to write with.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(Int32Converter), typeof(Int64Converter)])]
[JsonSerializable(typeof(App))]
[JsonSerializable(typeof(AppInfo))]
[JsonSerializable(typeof(AppList))]
[JsonSerializable(typeof(SingleApp))]
[JsonSerializable(typeof(List<App>))]
[JsonSerializable(typeof(VersionList))]
[JsonSerializable(typeof(AppTask))]
[JsonSerializable(typeof(TaskList))]
[JsonSerializable(typeof(SingleTask))]
[JsonSerializable(typeof(DeleteTasks))]
[JsonSerializable(typeof(DeploymentResult))]
[JsonSerializable(typeof(Identifiable))]
[JsonSerializable(typeof(List<Identifiable>))]
[JsonSerializable(typeof(TaskFailureInfo))]
[JsonSerializable(typeof(TaskStatistics))]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(List<ErrorDetail>))]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(PodHealthCheck))]
[JsonSerializable(typeof(List<Pod>))]
[JsonSerializable(typeof(PodStatus))]
[JsonSerializable(typeof(List<PodStatus>))]
[JsonSerializable(typeof(InstanceInfo))]
[JsonSerializable(typeof(List<InstanceInfo>))]
[JsonSerializable(typeof(CsiOptions))]
[JsonSerializable(typeof(ExecutorResources))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(string))]
public sealed partial class WireJson : JsonSerializerContext
{
    /// <summary>Writes text as it is instead of escaping everything that HTML might mind.</summary>
    public static WireJson Plain => PlainHolder.Instance;

    // Its own class: initialisers of a partial class run in no defined order, and this one needs Default.
    private static class PlainHolder
    {
        public static readonly WireJson Instance =
            new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
