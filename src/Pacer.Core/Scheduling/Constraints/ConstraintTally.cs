using System.Globalization;
using System.Text.RegularExpressions;
using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Constraints;

/// <summary>
/// One constraint together with what is already placed: answers whether one more instance may go to a node with a given field
/// value. Rules: marathon-model.md §9.
/// </summary>
internal sealed class ConstraintTally
{
    private readonly Constraint _constraint;
    private readonly Regex? _pattern;
    private readonly int? _number;
    private readonly string? _canonical;
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> _matches = new(StringComparer.Ordinal);

    // GROUP_BY: how many groups have each count, and with a number of groups, how the instances are to be shared.
    private readonly SortedDictionary<int, int> _groupsByCount = [];
    private readonly int _perGroup;
    private readonly int _remainder;
    private int _overShare;
    private string? _first;

    /// <param name="target">Wanted number of instances: GROUP_BY divides it over the groups.</param>
    public ConstraintTally(Constraint constraint, int target)
    {
        _constraint = constraint;
        _number = int.TryParse(constraint.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        if (constraint.Operator is ConstraintOperator.Like or ConstraintOperator.Unlike)
        {
            _pattern = ConstraintPattern.Compile(constraint.Value ?? "");
        }
        else if (constraint.Operator == ConstraintOperator.Is)
        {
            _canonical = CanonicalNumber(constraint.Value ?? "");
        }
        else if (constraint.Operator == ConstraintOperator.GroupBy && _number is > 0)
        {
            (_perGroup, _remainder) = Math.DivRem(target, _number.Value);
        }
    }

    public Constraint Constraint => _constraint;

    /// <summary>Whether the answer for a node can change when other instances are placed.</summary>
    public bool DependsOnPlaced => _constraint.Operator is ConstraintOperator.Unique or ConstraintOperator.MaxPer or ConstraintOperator.GroupBy
        || (_constraint.Operator == ConstraintOperator.Cluster && _constraint.Value is null);

    /// <summary>
    /// Whether a refused value may be accepted after others have been filled: balanced groups only. Shares of a given number of groups
    /// are used up for good.
    /// </summary>
    public bool MayReopen => _constraint.Operator == ConstraintOperator.GroupBy && _number is not > 0;

    /// <summary>Instances in the group that has the fewest; 0 without groups. While it stays, no refused value is accepted again.</summary>
    public int Smallest
    {
        get
        {
            foreach (var count in _groupsByCount.Keys)
            {
                return count;
            }
            return 0;
        }
    }

    public void Add(string? value)
    {
        if (value is null)
        {
            return;
        }
        _first ??= value;
        var count = _counts.GetValueOrDefault(value);
        _counts[value] = count + 1;
        if (_constraint.Operator != ConstraintOperator.GroupBy)
        {
            return;
        }
        if (_number is > 0)
        {
            _overShare += count >= _perGroup ? 1 : 0;
            return;
        }
        _groupsByCount[count + 1] = _groupsByCount.GetValueOrDefault(count + 1) + 1;
        if (count > 0 && --_groupsByCount[count] == 0)
        {
            _groupsByCount.Remove(count);
        }
    }

    /// <summary>A node without the field is accepted by UNLIKE only.</summary>
    public bool Accepts(string? value)
    {
        if (value is null)
        {
            return _constraint.Operator == ConstraintOperator.Unlike;
        }
        return _constraint.Operator switch
        {
            ConstraintOperator.Unique => !_counts.ContainsKey(value),
            ConstraintOperator.Cluster => (_constraint.Value ?? _first) is not { } wanted || wanted == value,
            ConstraintOperator.Like => Matches(value),
            ConstraintOperator.Unlike => !Matches(value),
            ConstraintOperator.MaxPer => _counts.GetValueOrDefault(value) < (_number ?? 0),
            ConstraintOperator.Is => _canonical == value || _constraint.Value == value,
            ConstraintOperator.GroupBy => AcceptsGroup(value),
            _ => false,
        };
    }

    private bool Matches(string value)
    {
        if (!_matches.TryGetValue(value, out var matches))
        {
            matches = _pattern is not null && ConstraintPattern.IsFullMatch(_pattern, value);
            _matches.Add(value, matches);
        }
        return matches;
    }

    // With a value (number of groups): an even share for each, the remainder over the first that take it. Without: any group
    // that has the fewest, or a new one.
    private bool AcceptsGroup(string value)
    {
        var known = _counts.TryGetValue(value, out var count);
        if (_number is not > 0)
        {
            return !known || count == Smallest;
        }
        return known ? count < _perGroup || (count == _perGroup && _overShare < _remainder) : _counts.Count < _number;
    }

    /// <summary>An unsigned number is compared as Mesos renders scalars: at most three decimals, half-even, no trailing zeros.</summary>
    internal static string CanonicalNumber(string text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? AttributeValue.Number(number) : text;
}

/// <summary>Regular expressions of LIKE and UNLIKE: they match the whole value.</summary>
public static class ConstraintPattern
{
    /// <summary>Null when the pattern is not a regular expression.</summary>
    public static Regex? Compile(string pattern)
    {
        try
        {
            // Linear time whatever the pattern; look-arounds and back-references need the other engine, which gets a bound.
            return new Regex($"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            return new Regex($"^(?:{pattern})$", RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(200));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public static bool IsFullMatch(Regex pattern, string value)
    {
        try
        {
            return pattern.IsMatch(value) && !value.EndsWith('\n');
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }
}
