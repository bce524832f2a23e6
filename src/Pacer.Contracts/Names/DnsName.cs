using System.Security.Cryptography;
using System.Text;

namespace Pacer.Contracts.Names;

/// <summary>Which characters and how many a label may have.</summary>
public enum LabelRules
{
    /// <summary>63 characters, digits may lead.</summary>
    Rfc1123,

    /// <summary>24 characters, a letter leads.</summary>
    Rfc952,
}

/// <summary>How ids become DNS names: Mesos-DNS' rules.</summary>
public static class DnsName
{
    private const string ZBase32 = "ybndrfg8ejkmcpqxot1uwisza345h769";
    private const int HashLength = 5;

    /// <summary>One label: lower case, <c>. _</c> become <c>-</c>, everything else but letters and digits is dropped.</summary>
    public static string Label(string text, LabelRules rules = LabelRules.Rfc1123)
    {
        var max = rules == LabelRules.Rfc952 ? 24 : 63;
        var kept = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            var mapped = c switch
            {
                >= 'A' and <= 'Z' => (char)(c | 0x20),
                >= 'a' and <= 'z' or >= '0' and <= '9' => c,
                '-' or '.' or '_' => '-',
                _ => '\0',
            };
            // Left trim: nothing is kept until something is that may lead.
            if (mapped != '\0' && (kept.Length > 0 || MayLead(mapped, rules)))
            {
                kept.Append(mapped);
            }
        }
        var whole = kept.ToString();
        if (whole.Length <= max)
        {
            return whole.TrimEnd('-');
        }
        // A cut that falls into a run of dashes pulls in what follows the run.
        var head = whole[..max].TrimEnd('-');
        var room = max - head.Length;
        if (room > 0)
        {
            var rest = whole[max..].TrimStart('-');
            head += rest[..Math.Min(room, rest.Length)];
        }
        return head.TrimEnd('-');
    }

    /// <summary>Label by label; dots stay, empty labels go.</summary>
    public static string Fragment(string text, LabelRules rules = LabelRules.Rfc1123) =>
        string.Join('.', text.Split('.').Select(part => Label(part, rules)).Where(label => label.Length > 0));

    /// <summary>Segments of an id reversed and joined by dots: <c>/a/b/c</c> → <c>c.b.a</c>.</summary>
    public static string OfRunSpec(string id)
    {
        var segments = id.Trim('/').Split('/');
        Array.Reverse(segments);
        return string.Join('.', segments);
    }

    /// <summary>First 5 characters of z-base-32 of the SHA-1 of a task id.</summary>
    public static string Hash(string taskId)
    {
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(Encoding.UTF8.GetBytes(taskId), digest);
        var bits = (ulong)digest[0] << 32 | (ulong)digest[1] << 24 | (ulong)digest[2] << 16 | (ulong)digest[3] << 8 | digest[4];
        return string.Create(HashLength, bits, static (text, bits) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = ZBase32[(int)(bits >> (35 - 5 * i)) & 31];
            }
        });
    }

    /// <summary>The name of one task: <c>LABEL-HASH-AGENT</c>.</summary>
    public static string Canonical(string label, string taskId, string agentId) =>
        $"{label}-{Hash(taskId)}-{agentId[(agentId.LastIndexOf('-') + 1)..].ToLowerInvariant()}";

    private static bool MayLead(char c, LabelRules rules) => c != '-' && (rules == LabelRules.Rfc1123 || c is >= 'a' and <= 'z');
}
