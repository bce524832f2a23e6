using System.Net;
using Pacer.Cli.Output;
using Pacer.Edge.Dns;

namespace Pacer.Cli.Roles;

/// <summary>Starts the DNS server and says where it is.</summary>
internal sealed class DnsRole(Surroundings surroundings, DnsOptions options, string logLevel)
{
    /// <param name="server">Base address of the REST API.</param>
    /// <param name="resolver">An address for containers, where it listens too if it can; null: none.</param>
    public async Task<DnsHost> StartAsync(Uri server, IPAddress? resolver = null)
    {
        var terminal = surroundings.Terminal;
        try
        {
            var dns = await DnsHost.StartAsync(options with { Resolver = resolver }, server, new LineLogger("Pacer.Dns", terminal.Error, logLevel));
            var http = dns.HttpAddress is { } address ? $", its HTTP API http://{address}" : "";
            terminal.Line($"DNS answers on {string.Join(", ", dns.Addresses)}{http}");
            foreach (var note in dns.Notes)
            {
                terminal.Line("note: " + note);
            }
            return dns;
        }
        catch (DnsStartException exception)
        {
            throw CliException.Usage(exception.Message);
        }
    }

    /// <summary>Waits for the names; says so when they do not come at once.</summary>
    public static async Task ShowContactAsync(DnsHost dns, Uri server, Terminal terminal, CancellationToken cancellationToken)
    {
        try
        {
            await dns.Ready.WaitAsync(TimeSpan.FromSeconds(3), cancellationToken);
        }
        catch (TimeoutException)
        {
            terminal.ErrorLine($"No contact with {server} yet ({dns.Trouble ?? "no answer"}); DNS keeps trying, and fails for names of the cluster until then.");
        }
        catch (OperationCanceledException)
        {
            // Asked to stop before there was contact.
        }
    }
}
