using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Pacer.Server.Api.Responses;

/// <summary>
/// Strong entity tags of answers that are made from parts of a state snapshot. The parts are immutable, so the same objects mean the same
/// answer: each gets a number when it is first seen, and a tag is these numbers. A change elsewhere in the cluster leaves a tag as it is,
/// and no answer has to be made to compare it.
/// </summary>
internal static class ReadTag
{
    /// <summary>Numbers of another process must not be mistaken for ours.</summary>
    private static readonly string Epoch = RandomNumberGenerator.GetHexString(10, lowercase: true);

    private static readonly ConditionalWeakTable<object, Number> Numbers = [];

    /// <param name="parts">Everything the answer shows: immutable objects, numbers, null for what is not there.</param>
    /// <param name="form">Media type chosen, where there is a choice.</param>
    public static string Of(HttpContext http, ReadOnlySpan<object?> parts, string form)
    {
        var tag = new StringBuilder(64).Append('"').Append(Epoch).Append('-');
        for (var i = 0; i < parts.Length; i++)
        {
            var number = parts[i] switch
            {
                null => 0,
                long value => value,
                var part => Numbers.GetValue(part, static _ => new Number()).Value,
            };
            tag.Append(i == 0 ? "" : ".").Append(number.ToString("x", CultureInfo.InvariantCulture));
        }
        var question = Question(http.Request);
        if (question != 0)
        {
            tag.Append('-').Append(question.ToString("x", CultureInfo.InvariantCulture));
        }
        return tag.Append(form).Append(Compression.IsAccepted(http) ? "-gz\"" : "\"").ToString();
    }

    /// <summary>Whether one of the tags that the client has is this one.</summary>
    public static bool IsKnown(HttpRequest request, string tag)
    {
        foreach (var value in request.Headers.IfNoneMatch)
        {
            var rest = value.AsSpan().Trim();
            if (rest is "*")
            {
                return true;
            }
            foreach (var part in rest.Split(','))
            {
                var one = rest[part].Trim();
                if (one.StartsWith("W/", StringComparison.Ordinal))
                {
                    one = one[2..];
                }
                if (one.SequenceEqual(tag))
                {
                    return true;
                }
            }
        }
        return false;
    }

    // FNV-1a over the query without what only says how long to wait. Tags are compared for one URL only, so this is no secret and need
    // not be one: it keeps answers to different questions apart in caches that leave the query out.
    private static ulong Question(HttpRequest request)
    {
        if (!request.QueryString.HasValue)
        {
            return 0;
        }
        const ulong nothing = 14695981039346656037UL;
        var hash = nothing;
        foreach (var (name, values) in request.Query)
        {
            if (name is LongPoll.WaitName or LongPoll.IndexName)
            {
                continue;
            }
            Add(name);
            foreach (var value in values)
            {
                Add(value ?? "");
            }
        }
        return hash == nothing ? 0 : hash;

        void Add(string text)
        {
            foreach (var c in text)
            {
                hash = (hash ^ c) * 1099511628211UL;
            }
            hash = (hash ^ 0xFFFF) * 1099511628211UL;
        }
    }

    private sealed class Number
    {
        private static long s_last;

        public long Value { get; } = Interlocked.Increment(ref s_last);
    }
}
