using System.Collections.Immutable;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>A backend of HAProxy.</summary>
internal sealed record HaproxyProxy(string Name, Backend Backend, ImmutableArray<ServerSlot> Slots)
{
    public ServiceMode Mode => Backend.Settings.Mode;

    public bool Sticky => Backend.Settings.Sticky;
}

/// <summary>What HAProxy is to do, as text and files.</summary>
/// <param name="Text">The configuration.</param>
/// <param name="Skeleton">The same without the servers in their slots: when it is equal, nothing has to be loaded anew.</param>
/// <param name="Files">Text by name in the directory; names follow from the text, so a file never changes.</param>
/// <param name="Binds">Addresses of services that are listened on.</param>
internal sealed record HaproxyConfiguration(
    string Text, string Skeleton, ImmutableArray<HaproxyProxy> Proxies, ImmutableSortedDictionary<string, string> Files, ImmutableHashSet<string> Binds)
{
    /// <summary>The proxy that a line of the text belongs to; null: it is of them all.</summary>
    /// <param name="line">From 1.</param>
    public HaproxyProxy? ProxyAt(int line)
    {
        var head = Text.Split('\n').Take(line).LastOrDefault(text => text.Length > 0 && text[0] != ' ')?.Split(' ');
        return head is [_, var name] ? Proxies.FirstOrDefault(proxy => proxy.Name == name) : null;
    }
}
