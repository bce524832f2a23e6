using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pacer.Cli.Client;

/// <summary>The status page of load balancers.</summary>
internal sealed class BalancerClient : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = TimeSpan.FromSeconds(15) };

    public void Dispose() => _http.Dispose();

    /// <summary>All balancers behind a list of addresses: a name stands for every address that it has.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(string addresses, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        foreach (var address in addresses.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var page = PageOf(address);
            if (page.HostNameType != UriHostNameType.Dns)
            {
                found.Add(address);
                continue;
            }
            try
            {
                var hosts = await Dns.GetHostAddressesAsync(page.Host, cancellationToken);
                found.AddRange(hosts.Select(host => new UriBuilder(page) { Host = host.ToString(), Path = "" }.Uri.GetLeftPart(UriPartial.Authority)));
            }
            catch (SocketException)
            {
                throw new CliException(ExitCode.Unreachable, $"--lb-status '{address}': the name {page.Host} has no address.");
            }
        }
        return found.Count > 0 ? [.. found.Distinct()] : throw CliException.Usage("--lb-status names no load balancer. Give an address such as 127.0.0.1:9090.");
    }

    public async Task<JsonObject> ReadAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            return JsonNode.Parse(await _http.GetStringAsync(PageOf(address), cancellationToken))!.AsObject();
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new CliException(ExitCode.Unreachable, string.Create(CultureInfo.InvariantCulture,
                $"No load balancer answers at {address}. Start one with 'pacer up' or 'pacer lb', or say where it is with --lb-status ADDRESS:PORT."));
        }
    }

    private static Uri PageOf(string address) =>
        Uri.TryCreate((address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address).TrimEnd('/') + "/pacer/lb", UriKind.Absolute, out var page)
            ? page
            : throw CliException.Usage($"--lb-status '{address}' is no address. Give one such as 127.0.0.1:9090.");
}
