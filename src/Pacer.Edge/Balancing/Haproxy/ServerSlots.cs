using System.Collections.Immutable;
using System.Net;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>One of the places for servers that a backend of HAProxy has. Which server is in it changes while HAProxy runs.</summary>
/// <param name="Address">Null: it was never used, or its server is gone.</param>
/// <param name="Ready">Gets new requests; else it is in maintenance.</param>
/// <param name="Cookie">Of backends with sticky sessions; HAProxy can't change it while it runs.</param>
internal sealed record ServerSlot(string Name, IPEndPoint? Address, bool Ready, int Weight, string? Cookie = null);

/// <summary>Puts the servers of a backend into slots. Pure.</summary>
internal static class ServerSlots
{
    private const int Fewest = 4;

    /// <summary>A server and whether it gets new requests.</summary>
    private readonly record struct Wish(Server Server, bool Ready, int Weight);

    /// <summary>Slots for servers, with spare ones for those to come.</summary>
    /// <param name="before">The slots that run now: servers stay in theirs.</param>
    /// <param name="sticky">Slots have the cookies of their servers, and there are no spare ones.</param>
    public static ImmutableArray<ServerSlot> Create(Backend backend, ImmutableArray<ServerSlot> before, bool sticky)
    {
        if (!before.IsDefault && Fill(backend, before, sticky) is { } kept && (sticky || kept.Length <= 4 * Capacity(backend.Servers.Length)))
        {
            return kept;
        }
        var slots = Wishes(backend).Select((wish, i) => new ServerSlot(NameOf(i), wish.Server.Address, wish.Ready, wish.Weight, sticky ? wish.Server.Cookie : null)).ToList();
        for (var i = slots.Count; !sticky && i < Capacity(backend.Servers.Length); i++)
        {
            slots.Add(new ServerSlot(NameOf(i), null, false, 1));
        }
        return [.. slots];
    }

    /// <summary>The slots with the servers of now; null when they do not fit, so that HAProxy needs others.</summary>
    public static ImmutableArray<ServerSlot>? Fill(Backend backend, ImmutableArray<ServerSlot> slots, bool sticky) => Place(backend, slots, sticky) is (var filled, true) ? filled : null;

    /// <summary>The slots with as many servers of now as fit: what holds until HAProxy has others. As they are when nobody could serve in them.</summary>
    public static ImmutableArray<ServerSlot> Adjust(Backend backend, ImmutableArray<ServerSlot> slots, bool sticky)
    {
        var (filled, fits) = Place(backend, slots, sticky);
        return fits || filled.Any(slot => slot.Ready) ? filled : slots;
    }

    private static (ImmutableArray<ServerSlot> Slots, bool Fits) Place(Backend backend, ImmutableArray<ServerSlot> slots, bool sticky)
    {
        var filled = slots.ToBuilder();
        var places = new Dictionary<IPEndPoint, int>();
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i].Address is { } address)
            {
                places[address] = i;
            }
        }
        var wishes = Wishes(backend);
        var served = wishes.Select(wish => wish.Server.Address).ToHashSet();
        // The slot of a server that is gone keeps its address for as long as there are others: connections to it may still be open.
        var free = new Queue<int>(Enumerable.Range(0, slots.Length).Where(i => slots[i].Address is not { } address || !served.Contains(address)).OrderBy(i => slots[i].Address is not null));
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i].Address is not { } address || !served.Contains(address))
            {
                filled[i] = filled[i] with { Ready = false };
            }
        }
        var fits = true;
        foreach (var wish in wishes)
        {
            if (places.TryGetValue(wish.Server.Address, out var place) ? sticky && slots[place].Cookie != wish.Server.Cookie : sticky || !free.TryDequeue(out place))
            {
                fits = false;
                continue;
            }
            filled[place] = filled[place] with { Address = wish.Server.Address, Ready = wish.Ready, Weight = wish.Weight };
        }
        return (filled.ToImmutable(), fits);
    }

    /// <summary>What HAProxy has to be told so that it does what the second slots say. New servers come before old ones go.</summary>
    public static IEnumerable<string> Commands(string proxy, ImmutableArray<ServerSlot> from, ImmutableArray<ServerSlot> to)
    {
        foreach (var coming in new[] { true, false })
        {
            for (var i = 0; i < to.Length; i++)
            {
                var (now, then) = (from[i], to[i]);
                if (then.Ready != coming)
                {
                    continue;
                }
                var name = $"set server {proxy}/{then.Name}";
                if (then.Address is { } address && !address.Equals(now.Address))
                {
                    yield return FormattableString.Invariant($"{name} addr {address.Address} port {address.Port}");
                }
                if (then.Weight != now.Weight)
                {
                    yield return FormattableString.Invariant($"{name} weight {then.Weight}");
                }
                if (then.Ready != now.Ready)
                {
                    yield return $"{name} state {(then.Ready ? "ready" : "maint")}";
                }
            }
        }
    }

    // Those that are up; while there are none, those out of sight; while there is nothing else, those that are ending.
    private static List<Wish> Wishes(Backend backend)
    {
        var servers = backend.Servers;
        var tier = new[] { ServerStanding.Up, ServerStanding.Unreachable, ServerStanding.Draining }.Where(standing => servers.Any(server => server.Standing == standing)).Select(standing => (ServerStanding?)standing).FirstOrDefault();
        // When nobody has a share, all have the same.
        var anyWeight = servers.Any(server => server.Standing == tier && server.Weight > 0);
        return [.. servers.Select(server => new Wish(server, server.Standing == tier, anyWeight ? Math.Clamp(server.Weight, 0, 256) : 1))];
    }

    private static int Capacity(int servers) => Math.Max(Fewest, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)servers + 1));

    private static string NameOf(int index) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"s{index + 1}");
}
