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

    public static string Csv(BalancerView view)
    {
        var text = new StringBuilder("# ").AppendJoin(',', Columns).Append(",\n");
        var now = view.Now;
        foreach (var pool in view.Routes.Pools.Values.OrderBy(pool => pool.Backend.Name, StringComparer.Ordinal))
        {
            var name = pool.Backend.Name;
            var state = pool.State;
            var current = pool.Servers.Sum(server => server.Load.Active);
            var total = Enumerable.Range(1, 5).Sum(state.Answers);
            if (pool.Backend.Listens)
            {
                Row(text, ("pxname", name), ("svname", "FRONTEND"), ("scur", current), ("stot", total), ("bin", state.Received), ("bout", state.Sent), ("status", "OPEN"), ("type", 0));
            }
            foreach (var server in pool.Servers)
            {
                Row(text, ("pxname", name), ("svname", server.Server.Name), ("qcur", 0), ("scur", server.Load.Active),
                    ("slim", pool.Settings.MaxConnections is var most and > 0 ? most : ""), ("stot", server.Load.Total), ("econ", server.Load.Failures),
                    ("status", BalancerView.StatusOf(server, now)), ("weight", server.Server.Weight), ("act", 1), ("bck", 0), ("sid", server.Server.Number), ("lbtot", server.Load.Total), ("type", 2));
            }
            var up = pool.Servers.Count(server => BalancerView.StatusOf(server, now) == "UP");
            Row(text, ("pxname", name), ("svname", "BACKEND"), ("qcur", state.Queued), ("scur", current), ("stot", total), ("bin", state.Received), ("bout", state.Sent),
                ("econ", pool.Servers.Sum(server => server.Load.Failures)), ("wretr", state.Retries), ("status", up > 0 ? "UP" : "DOWN"), ("act", up), ("bck", 0), ("type", 1),
                ("hrsp_1xx", state.Answers(1)), ("hrsp_2xx", state.Answers(2)), ("hrsp_3xx", state.Answers(3)), ("hrsp_4xx", state.Answers(4)), ("hrsp_5xx", state.Answers(5)), ("hrsp_other", state.Answers(0)));
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
