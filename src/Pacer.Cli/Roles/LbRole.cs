using Pacer.Cli.Output;
using Pacer.Edge.Balancing;

namespace Pacer.Cli.Roles;

/// <summary>Starts the load balancer and says where it is.</summary>
internal sealed class LbRole(Surroundings surroundings, BalancerOptions options, string logLevel)
{
    /// <summary>Where HAProxy works, unless a flag says.</summary>
    /// <param name="dataDirectory">Of the role that the balancer is a part of; null: it is alone.</param>
    public static string Directory(string? dataDirectory, Surroundings surroundings) => DataDirectory.RunDirectory(dataDirectory + "/lb", surroundings);

    /// <param name="server">Base address of the REST API.</param>
    public async Task<BalancerHost> StartAsync(Uri server)
    {
        var terminal = surroundings.Terminal;
        try
        {
            var balancer = await BalancerHost.StartAsync(options, server, new LineLogger("Pacer.Lb", terminal.Error, logLevel));
            var places = balancer.Addresses.Where(address => address.Kind != "status").Select(address => $"{address.Kind} {address.Address}");
            var status = balancer.Addresses.FirstOrDefault(address => address.Kind == "status").Address is { } place ? $"; statistics http://{place}/haproxy?stats" : "";
            terminal.Line($"Load balancer for group {string.Join(", ", options.Groups)}: {string.Join(", ", places.DefaultIfEmpty("ports of services only"))}{status}");
            foreach (var note in balancer.Notes)
            {
                terminal.Line("note: " + note);
            }
            return balancer;
        }
        catch (BalancerStartException exception)
        {
            throw CliException.Usage(exception.Message);
        }
    }

    /// <summary>Waits for the services; says so when they do not come at once.</summary>
    public static async Task ShowContactAsync(BalancerHost balancer, Uri server, Terminal terminal, CancellationToken cancellationToken)
    {
        try
        {
            await balancer.Ready.WaitAsync(TimeSpan.FromSeconds(3), cancellationToken);
        }
        catch (TimeoutException)
        {
            terminal.ErrorLine($"No contact with {server} yet ({balancer.Trouble ?? "no answer"}); the load balancer keeps trying, and answers 503 until then.");
        }
        catch (OperationCanceledException)
        {
            // Asked to stop before there was contact.
        }
    }
}
