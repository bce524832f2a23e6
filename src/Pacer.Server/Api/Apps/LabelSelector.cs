using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// Selects by labels: <c>a</c>, <c>a==x</c>, <c>a!=x</c>, <c>a in (x, y)</c>, <c>a notin (x, y)</c>, joined by commas; all must match, and the label must exist
/// in every form (marathon-api.md §2.2).
/// </summary>
internal sealed class LabelSelector
{
    private readonly List<(string Label, bool Wanted, List<string>? Values)> _terms = [];

    private LabelSelector()
    {
    }

    public bool Matches(IReadOnlyDictionary<string, string>? labels)
    {
        foreach (var (label, wanted, values) in _terms)
        {
            if (labels is null || !labels.TryGetValue(label, out var value) || (values is not null && values.Contains(value) != wanted))
            {
                return false;
            }
        }
        return true;
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out LabelSelector? selector, [NotNullWhen(false)] out string? error)
    {
        var parser = new Parser(text);
        var parsed = new LabelSelector();
        error = parser.ParseAll(parsed);
        selector = error is null ? parsed : null;
        return error is null;
    }

    private sealed class Parser(string text)
    {
        private int _at;

        public string? ParseAll(LabelSelector selector)
        {
            do
            {
                if (ParseOne(selector) is { } error)
                {
                    return $"Invalid label selector '{text}': {error} at position {_at + 1}";
                }
            }
            while (Take(","));
            SkipSpace();
            return _at == text.Length ? null : $"Invalid label selector '{text}': unexpected '{text[_at]}' at position {_at + 1}";
        }

        private string? ParseOne(LabelSelector selector)
        {
            if (Term() is not { } label)
            {
                return "a label is expected";
            }
            if (Take("==") || Take("!="))
            {
                var wanted = text[_at - 2] == '=';
                if (Term() is not { } value)
                {
                    return "a value is expected";
                }
                selector._terms.Add((label, wanted, [value]));
                return null;
            }
            var start = _at;
            var word = Term();
            if (word is not ("in" or "notin"))
            {
                _at = start;
                if (word is not null)
                {
                    SkipSpace();
                    return "',', '==', '!=', 'in' or 'notin' is expected";
                }
                selector._terms.Add((label, true, null));
                return null;
            }
            if (!Take("("))
            {
                return "'(' is expected";
            }
            var values = new List<string>();
            do
            {
                if (Term() is not { } value)
                {
                    return "a value is expected";
                }
                values.Add(value);
            }
            while (Take(","));
            if (!Take(")"))
            {
                return "')' is expected";
            }
            selector._terms.Add((label, word == "in", values));
            return null;
        }

        private string? Term()
        {
            SkipSpace();
            var term = new StringBuilder();
            while (_at < text.Length)
            {
                if (text[_at] == '\\' && _at + 1 < text.Length)
                {
                    term.Append(text[_at + 1]);
                    _at += 2;
                }
                else if (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '-' or '_' or '.')
                {
                    term.Append(text[_at++]);
                }
                else
                {
                    break;
                }
            }
            return term.Length == 0 ? null : term.ToString();
        }

        private bool Take(string token)
        {
            SkipSpace();
            if (!text.AsSpan(_at).StartsWith(token, StringComparison.Ordinal))
            {
                return false;
            }
            _at += token.Length;
            return true;
        }

        private void SkipSpace()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            {
                _at++;
            }
        }
    }
}
