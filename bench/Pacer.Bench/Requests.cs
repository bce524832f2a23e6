using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Pacer.Bench;

/// <summary>(c) Requests a second, against the rate at which SQLite itself commits on the same disk with the same settings.</summary>
internal static class Requests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    public static async Task MeasureAsync(Report report, BenchCluster cluster)
    {
        await cluster.SendAsync(HttpMethod.Post, "v2/apps", """{"id":"/read","cmd":"sleep 1","instances":0}""");
        foreach (var clients in new[] { 1, 16 })
        {
            var gets = await RateAsync(clients, (_, _) => cluster.Http.GetByteArrayAsync("v2/apps/read"));
            report.Add($"(c) GET /v2/apps/ID, {clients} client{(clients > 1 ? "s" : "")}", $"{gets:0}/s", "", null, "");
        }
        foreach (var clients in new[] { 1, 16 })
        {
            var direct = Commits(cluster.DataDirectory, rowsPerCommit: clients);
            var run = clients;
            var posts = await RateAsync(clients, (client, number) =>
                cluster.SendAsync(HttpMethod.Post, "v2/apps", $$"""{"id":"/posted/c{{run}}-{{client}}/n{{number}}","cmd":"sleep 1","instances":0,"portDefinitions":[]}"""));
            report.Add($"(c) POST /v2/apps, durable, {clients} client{(clients > 1 ? "s" : "")}", $"{posts:0}/s",
                $"{direct:0}/s (SQLite, {clients} row{(clients > 1 ? "s" : "")} a commit)", posts / direct, "");
        }
    }

    private static async Task<double> RateAsync(int clients, Func<int, int, Task> call)
    {
        var since = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            var count = 0;
            for (; since.Elapsed < Duration; count++)
            {
                await call(client, count);
            }
            return count;
        }));
        return counts.Sum() / since.Elapsed.TotalSeconds;
    }

    /// <summary>Rows a second.</summary>
    private static double Commits(string directory, int rowsPerCommit)
    {
        var path = Path.Combine(directory, "bench.db");
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;";
        command.ExecuteNonQuery();
        command.CommandText = "INSERT INTO t VALUES ($k, $v)";
        var key = command.Parameters.Add("$k", SqliteType.Text);
        command.Parameters.Add("$v", SqliteType.Blob).Value = new byte[600];
        var since = Stopwatch.StartNew();
        var rows = 0;
        while (since.Elapsed < Duration / 2)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            command.Transaction = transaction;
            for (var row = 0; row < rowsPerCommit; row++)
            {
                key.Value = $"{rowsPerCommit}/{rows++}";
                command.ExecuteNonQuery();
            }
            transaction.Commit();
        }
        return rows / since.Elapsed.TotalSeconds;
    }
}
