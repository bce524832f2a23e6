using System.Collections;
using System.Runtime.CompilerServices;

namespace Pacer.Core.Model;

/// <summary>An immutable list that is compared by its elements, so that records which hold one compare by value.</summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
public sealed class ValueList<T> : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    public static readonly ValueList<T> Empty = new([]);
    private readonly T[] _items;

    internal ValueList(T[] items) => _items = items;

    public T this[int index] => _items[index];
    public int Count => _items.Length;
    public bool IsEmpty => _items.Length == 0;
    public ReadOnlySpan<T> AsSpan() => _items;

    public bool Equals(ValueList<T>? other) =>
        other is not null && (ReferenceEquals(this, other) || _items.AsSpan().SequenceEqual(other._items, null));

    public override bool Equals(object? obj) => Equals(obj as ValueList<T>);
    public override int GetHashCode() => _items.Length;
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
}

public static class ValueList
{
    public static ValueList<T> Create<T>(ReadOnlySpan<T> items) => items.IsEmpty ? ValueList<T>.Empty : new(items.ToArray());
    public static ValueList<T> From<T>(IEnumerable<T> items) => Create<T>(items.ToArray());
}
