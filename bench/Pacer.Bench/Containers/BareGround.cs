using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Pacer.Bench;

/// <summary>
/// What a bare container with an image stands on, made by hand as Pacer makes it: an overlay over the same layers, and a network namespace on a
/// bridge with one translated port.
/// </summary>
internal sealed class BareGround : IAsyncDisposable
{
    // $1 is the container; its number is what follows the last "-".
    private const string Mount = """mount -t overlay overlay -o "lowerdir=@LOWER@,upperdir=@PLACE@/$1/upper,workdir=@PLACE@/$1/work,volatile" "$dir/m/$1" """;

    private const string Attach = """
        number=${1##*-}
        ip -batch - <<END
        netns add $1
        link add @BRIDGE@v$number master @BRIDGE@ type veth peer name eth0 netns $1
        link set @BRIDGE@v$number type bridge_slave hairpin on
        link set @BRIDGE@v$number up
        END
        ip -n $1 -batch - <<END
        link set lo up
        addr add @NET@.$((number + 1))/24 dev eth0
        link set eth0 up
        route add default via @NET@.1
        END
        nft -f - <<END
        add element ip @TABLE@ hostport { tcp . $((@PORT@ + number)) : @NET@.$((number + 1)) . 80 }
        END
        """;

    private readonly string _lower;
    private readonly string _place = $"/var/tmp/pacer-bench-bare-{Environment.ProcessId}";
    private readonly string? _bridge;

    private BareGround(string lower, string? bridge) => (_lower, _bridge) = (lower, bridge);

    /// <param name="root">Where the root of the container to be copied is mounted.</param>
    public static async Task<BareGround> OfAsync(string root, bool onBridge)
    {
        var mount = File.ReadLines("/proc/self/mountinfo").Last(line => line.Split(' ')[4] == root);
        var ground = new BareGround(Regex.Match(mount, "lowerdir=([^,]+)").Groups[1].Value, onBridge ? $"pbb{Environment.ProcessId % 1_000_000}" : null);
        if (ground._bridge is { } bridge)
        {
            await RunAsync("ip", $"link add {bridge} type bridge\naddr add {Net}.1/24 dev {bridge}\nlink set {bridge} up\n", "-batch", "-");
            await RunAsync("nft", $$"""
                table ip {{Table}} {
                  map hostport {
                    type inet_proto . inet_service : ipv4_addr . inet_service
                  }
                  chain prerouting {
                    type nat hook prerouting priority dstnat; policy accept;
                    fib daddr type local dnat ip to meta l4proto . th dport map @hostport
                  }
                }

                """, "-f", "-");
        }
        return ground;
    }

    /// <summary>A shell function that makes it for the container $1, whose directories are there.</summary>
    public string Script => "prepare() {\n" + (_bridge is null ? Mount : Mount + "\n" + Attach)
        .Replace("@LOWER@", _lower, StringComparison.Ordinal).Replace("@PLACE@", _place, StringComparison.Ordinal).Replace("@BRIDGE@", _bridge, StringComparison.Ordinal)
        .Replace("@NET@", Net, StringComparison.Ordinal).Replace("@TABLE@", Table, StringComparison.Ordinal).Replace("@PORT@", "39000", StringComparison.Ordinal) + "\n}\n";

    /// <summary>A container's configuration with places of its own.</summary>
    public static string Adapt(string config, string root, string id, string directory) =>
        Regex.Replace(config.Replace(root, $"{directory}/m/{id}", StringComparison.Ordinal), "/run/netns/[^\"]+", $"/run/netns/{id}");

    public void MakeDirectories(string directory, string id)
    {
        Directory.CreateDirectory($"{_place}/{id}/upper");
        Directory.CreateDirectory($"{_place}/{id}/work");
        Directory.CreateDirectory($"{directory}/m/{id}");
    }

    public async Task RemoveAsync(string directory, string id)
    {
        await RunAsync("umount", "", $"{directory}/m/{id}");
        if (_bridge is not null)
        {
            await RunAsync("ip", $"link del {_bridge}v{id[(id.LastIndexOf('-') + 1)..]}\nnetns del {id}\n", "-force", "-batch", "-");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_bridge is not null)
        {
            await RunAsync("ip", "", "link", "del", _bridge);
            await RunAsync("nft", "", "delete", "table", "ip", Table);
        }
        if (Directory.Exists(_place))
        {
            Directory.Delete(_place, recursive: true);
        }
    }

    private static string Table => $"pacer_bench_{Environment.ProcessId}";

    private static string Net => string.Create(CultureInfo.InvariantCulture, $"10.238.{Environment.ProcessId % 250}");

    private static async Task RunAsync(string program, string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
    }
}
