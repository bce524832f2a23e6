using System.Globalization;
using System.Text;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Status;

/// <summary>HAProxy's statistics as CSV: the columns that tools around Marathon-LB read, the others empty.</summary>
internal static class HaproxyStats
{
    private static readonly string[] Columns =
    [
        "pxname", "svname", "qcur", "qmax", "scur", "smax", "slim", "stot", "bin", "bout", "dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis", "status", "weight", "act", "bck",
        "chkfail", "chkdown", "lastchg", "downtime", "qlimit", "pid", "iid", "sid", "throttle", "lbtot", "tracked", "type", "rate", "rate_lim", "rate_max", "check_status", "check_code",
        "check_duration", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other",
    ];

    public static string Csv(Traffic traffic)
    {
        var text = new StringBuilder("# ").AppendJoin(',', Columns).Append(",\n");
        foreach (var (pool, numbers) in traffic.Backends.OrderBy(backend => backend.Key.Backend.Name, StringComparer.Ordinal))
        {
            var name = pool.Backend.Name;
            var current = numbers.Servers.Sum(server => server.Active);
            var total = numbers.Requests;
            if (pool.Backend.Listens)
            {
                Row(text, ("pxname", name), ("svname", "FRONTEND"), ("scur", current), ("stot", total), ("bin", numbers.Received), ("bout", numbers.Sent), ("status", "OPEN"), ("type", 0));
            }
            foreach (var (server, load) in pool.Servers.Zip(numbers.Servers))
            {
                Row(text, ("pxname", name), ("svname", server.Server.Name), ("qcur", 0), ("scur", load.Active),
                    ("slim", pool.Settings.MaxConnections is var most and > 0 ? most : ""), ("stot", load.Total), ("econ", load.Failures),
                    ("status", load.Status), ("weight", server.Server.Weight), ("act", 1), ("bck", 0), ("sid", server.Server.Number), ("lbtot", load.Total), ("type", 2));
            }
            var up = numbers.Servers.Count(server => server.Status == "UP");
            Row(text, ("pxname", name), ("svname", "BACKEND"), ("qcur", numbers.Queued), ("scur", current), ("stot", total), ("bin", numbers.Received), ("bout", numbers.Sent),
                ("econ", numbers.Servers.Sum(server => server.Failures)), ("wretr", numbers.Retries), ("status", up > 0 ? "UP" : "DOWN"), ("act", up), ("bck", 0), ("type", 1),
                ("hrsp_1xx", numbers.Answers[1]), ("hrsp_2xx", numbers.Answers[2]), ("hrsp_3xx", numbers.Answers[3]), ("hrsp_4xx", numbers.Answers[4]), ("hrsp_5xx", numbers.Answers[5]), ("hrsp_other", numbers.Answers[0]));
        }
        return text.ToString();
    }

    private static void Row(StringBuilder text, params ReadOnlySpan<(string Column, object Value)> values)
    {
        var cells = new string[Columns.Length];
        foreach (var (column, value) in values)
        {
            cells[Array.IndexOf(Columns, column)] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        }
        text.AppendJoin(',', cells.Select(cell => cell ?? "")).Append(",\n");
    }
}
