using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pacer.Bench;

/// <summary>(e) From starting the process to the first answered request.</summary>
internal static partial class ColdStart
{
    private const int Rounds = 7;
    private const int Terminate = 15;

    public static async Task MeasureAsync(Report report, string published, string build)
    {
        var (fast, slow) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            fast.Add(await OnceAsync(published));
            slow.Add(await OnceAsync(build));
        }
        report.Add("(e) start → first answer, published", $"{Report.Median(fast):0} ms", "", null, "≤ 200 ms");
        report.Add("(e) start → first answer, from the build", $"{Report.Median(slow):0} ms", "", null, "≤ 1000 ms");
    }

    private static async Task<double> OnceAsync(string executable)
    {
        var data = Directory.CreateDirectory($"/var/tmp/pacer-bench-cold-{Environment.ProcessId}").FullName;
        var address = FreeAddress();
        using var http = new HttpClient { BaseAddress = new Uri($"http://{address}/") };
        var since = Stopwatch.StartNew();
        using var process = BenchCluster.Launch(executable, data, address);
        while (true)
        {
            try
            {
                await http.GetStringAsync("ping");
                break;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(2);
            }
        }
        var took = since.Elapsed.TotalMilliseconds;
        Kill(process.Id, Terminate);
        await process.WaitForExitAsync();
        using var down = Process.Start(new ProcessStartInfo(executable, ["down", "--data-dir", data]) { RedirectStandardOutput = true })!;
        await down.WaitForExitAsync();
        Directory.Delete(data, true);
        return took;
    }

    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener.LocalEndpoint.ToString()!;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);
}
