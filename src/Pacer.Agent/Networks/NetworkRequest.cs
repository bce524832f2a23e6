namespace Pacer.Agent.Networks;

/// <summary>What a task asks of the agent's networks.</summary>
/// <param name="AttachmentId">Tasks that name the same one share a network namespace; safe as a file name.</param>
/// <param name="Member">Who joins: unique on the node (the container's id).</param>
/// <param name="Networks">In the order of the interfaces (eth0, eth1, …); at least one.</param>
/// <param name="Ports">Ports of the node that lead to this member.</param>
/// <param name="Hostname">What the namespace's own address is called inside.</param>
internal sealed record NetworkRequest(
    string AttachmentId, string Member, IReadOnlyList<WantedNetwork> Networks, IReadOnlyList<WantedPort> Ports, string Hostname);

/// <param name="Name"><see cref="NetworkNaming.BridgeNetwork"/>, or the name of a container network.</param>
/// <param name="Labels">Passed on to CNI plugins.</param>
internal sealed record WantedNetwork(string Name, IReadOnlyDictionary<string, string> Labels);

/// <param name="Protocol">"tcp", "udp" or "udp,tcp".</param>
/// <param name="Network">Whose address it leads to; null: the first network's.</param>
internal sealed record WantedPort(int HostPort, int ContainerPort, string Protocol, string? Network);

/// <summary>A network namespace that is ready for containers.</summary>
/// <param name="NamespacePath">For the OCI runtime, and for whoever wants a socket inside.</param>
/// <param name="Addresses">Without prefix length, in the order of the networks that were asked for.</param>
/// <param name="Hostname">As asked for.</param>
/// <param name="ResolvFile">To be mounted as /etc/resolv.conf; likewise the others.</param>
internal sealed record NetworkPlace(
    string NamespacePath, IReadOnlyList<string> Addresses, string Hostname, string ResolvFile, string HostsFile, string HostnameFile);
