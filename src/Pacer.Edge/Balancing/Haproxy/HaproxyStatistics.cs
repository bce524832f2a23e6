using System.Globalization;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>What HAProxy counts, of one frontend, backend or server.</summary>
/// <param name="Address">Of a server, as HAProxy writes it; else empty.</param>
/// <param name="Answers">By hundreds, from 0 (others) to 5.</param>
internal sealed record HaproxyRow(string Proxy, string Name, string Address, string Status, long Current, long Queued, long Total, long Received, long Sent, long Failures, long Retries, long Refused, long[] Answers)
{
    public const string OfBackend = "BACKEND";
    public const string OfFrontend = "FRONTEND";

    /// <summary>The same row with totals from an earlier one on.</summary>
    public HaproxyRow Since(HaproxyRow earlier) => this with
    {
        Total = Total - earlier.Total,
        Received = Received - earlier.Received,
        Sent = Sent - earlier.Sent,
        Failures = Failures - earlier.Failures,
        Retries = Retries - earlier.Retries,
        Answers = [.. Answers.Zip(earlier.Answers, (now, before) => now - before)],
    };

    public bool IsServer => Name is not (OfBackend or OfFrontend);
}

/// <summary>Reads the answer to "show stat".</summary>
internal static class HaproxyStatistics
{
    public static IReadOnlyList<HaproxyRow> Read(string csv)
    {
        var lines = csv.Split('\n');
        if (!lines[0].StartsWith("# ", StringComparison.Ordinal))
        {
            return [];
        }
        var columns = lines[0][2..].Split(',').Select((name, i) => (name, i)).Where(column => column.name.Length > 0).ToDictionary(column => column.name, column => column.i, StringComparer.Ordinal);
        var rows = new List<HaproxyRow>();
        foreach (var line in lines.Skip(1))
        {
            var cells = line.Split(',');
            if (cells.Length < columns.Count)
            {
                continue;
            }
            string Text(string column) => columns.TryGetValue(column, out var i) ? cells[i] : "";
            long Number(string column) => long.TryParse(Text(column), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            rows.Add(new HaproxyRow(Text("pxname"), Text("svname"), Text("addr"), Text("status"), Number("scur"), Number("qcur"), Number("stot"), Number("bin"), Number("bout"),
                Number("econ"), Number("wretr") + Number("wredis"), Number("dcon") + Number("dses"),
                [Number("hrsp_other"), Number("hrsp_1xx"), Number("hrsp_2xx"), Number("hrsp_3xx"), Number("hrsp_4xx"), Number("hrsp_5xx")]));
        }
        return rows;
    }
}
