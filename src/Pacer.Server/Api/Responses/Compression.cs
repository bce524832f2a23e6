using System.Globalization;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Metrics;

namespace Pacer.Server.Api.Responses;

/// <summary>gzip for clients that take it, where it pays: not for bodies that fit into a packet anyway.</summary>
internal static class Compression
{
    public const int SmallestBytes = 1400;

    private const string Varies = "Accept, Accept-Encoding";

    public static bool IsAccepted(HttpContext http)
    {
        var accepted = false;
        foreach (var value in http.Request.Headers.AcceptEncoding)
        {
            var rest = value.AsSpan();
            foreach (var part in rest.Split(','))
            {
                var coding = rest[part].Trim();
                var semicolon = coding.IndexOf(';');
                var name = semicolon < 0 ? coding : coding[..semicolon].TrimEnd();
                var isGzip = name.Equals("gzip", StringComparison.OrdinalIgnoreCase) || name.Equals("x-gzip", StringComparison.OrdinalIgnoreCase);
                if (!isGzip && name is not "*")
                {
                    continue;
                }
                var isWanted = semicolon < 0 || Quality(coding[(semicolon + 1)..]) > 0;
                if (isGzip)
                {
                    return isWanted;
                }
                accepted = isWanted;
            }
        }
        return accepted;
    }

    /// <summary>Tells caches which request headers choose the answer.</summary>
    public static void Vary(HttpContext http)
    {
        var headers = http.Response.Headers;
        if (headers.Vary.Count == 0)
        {
            headers.Vary = Varies;
        }
        else if (!headers.Vary.Contains(Varies))
        {
            headers.Append("Vary", Varies);
        }
    }

    /// <summary>A stream into the answer's body that compresses; its headers are set.</summary>
    public static GZipStream Begin(HttpContext http)
    {
        http.Response.ContentLength = null;
        http.Response.Headers.ContentEncoding = "gzip";
        return new GZipStream(AnswerSize.Counting(http), CompressionLevel.Fastest, leaveOpen: true);
    }

    private static double Quality(ReadOnlySpan<char> parameter)
    {
        var text = parameter.Trim();
        return text.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
            && double.TryParse(text[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quality)
            ? quality
            : 1;
    }
}
