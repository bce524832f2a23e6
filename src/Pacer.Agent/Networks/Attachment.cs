using System.Text.Json.Serialization;

namespace Pacer.Agent.Networks;

/// <summary>
/// A network namespace and what belongs to it, as written down before any of it is made. Immutable.
/// </summary>
/// <param name="Slot">Number of the namespace; no other attachment has it.</param>
internal sealed record Attachment(
    string Id, int Slot, string Hostname, IReadOnlyList<AttachedLink> Links, IReadOnlyList<AttachedMember> Members)
{
    [JsonIgnore]
    public IEnumerable<MappedPort> Ports => Members.SelectMany(member => member.Ports);
}

/// <summary>One interface in a namespace.</summary>
/// <param name="Device">Its name inside.</param>
/// <param name="Slot">Number of its end on the node; -1 for a CNI network, whose plugins make both ends.</param>
/// <param name="Address">Without prefix length; null until the plugins of a CNI network have chosen one.</param>
/// <param name="Cni">Null for a network of the agent's own.</param>
internal sealed record AttachedLink(string Network, string Device, int Slot, string? Address, CniAttachment? Cni);

/// <summary>What a CNI chain has to be told again when it is undone.</summary>
/// <param name="Configuration">The network's configuration list as it was then.</param>
/// <param name="PluginDirectories">Where the plugins were, whatever the next agent is told.</param>
/// <param name="Result">Of the last plugin; null until the chain has run.</param>
/// <param name="Ports">That a plugin of the chain maps, so that the agent's own table does not.</param>
internal sealed record CniAttachment(
    string Configuration,
    IReadOnlyList<string> PluginDirectories,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<MappedPort> Ports,
    string? Result);

/// <summary>A container that shares the namespace, with the ports of the node that lead to it.</summary>
internal sealed record AttachedMember(string Name, IReadOnlyList<MappedPort> Ports);

/// <summary>A port of the node and where it leads.</summary>
/// <param name="Protocol">"tcp" or "udp".</param>
/// <param name="Network">Whose address it leads to.</param>
internal sealed record MappedPort(int HostPort, string Protocol, int ContainerPort, string Network);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Attachment))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
