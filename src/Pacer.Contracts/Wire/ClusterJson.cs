using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>Reads and writes the wire types about the cluster (deployments, queue, nodes, files) without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<RunningDeployment>))]
[JsonSerializable(typeof(DeploymentPlanInfo))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(NodeDrainRequest))]
[JsonSerializable(typeof(PlanInfo))]
[JsonSerializable(typeof(WhyInfo))]
[JsonSerializable(typeof(SecretList))]
[JsonSerializable(typeof(SecretInfo))]
[JsonSerializable(typeof(List<SandboxEntry>))]
[JsonSerializable(typeof(SandboxData))]
[JsonSerializable(typeof(StatisticsInfo))]
[JsonSerializable(typeof(LeaderName))]
[JsonSerializable(typeof(List<UnusedOffer>))]
[JsonSerializable(typeof(ProcessedOffersSummary))]
[JsonSerializable(typeof(ExecControl))]
[JsonSerializable(typeof(VipList))]
public sealed partial class ClusterJson : JsonSerializerContext
{
    /// <summary>Writes text as it is instead of escaping everything that HTML might mind.</summary>
    public static ClusterJson Plain => PlainHolder.Instance;

    // Its own class: initialisers of a partial class run in no defined order, and this one needs Default.
    private static class PlainHolder
    {
        public static readonly ClusterJson Instance =
            new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
