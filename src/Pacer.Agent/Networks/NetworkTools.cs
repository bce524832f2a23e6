using System.Globalization;
using System.IO.Pipes;
using System.Text;
using System.Text.Json;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;

namespace Pacer.Agent.Networks;

/// <summary>How a tool ended: its exit code and what it wrote.</summary>
internal readonly record struct ToolResult(int Code, string Output, string Error)
{
    /// <summary>The first line of what went wrong.</summary>
    public string Trouble
    {
        get
        {
            var text = Error.Length > 0 ? Error : Output;
            var end = text.IndexOf('\n');
            return text.Length == 0 ? string.Create(CultureInfo.InvariantCulture, $"exit code {Code}") : end < 0 ? text : text[..end];
        }
    }
}

/// <summary>Runs ip, nft and their like.</summary>
/// <param name="machine">Network namespace that is taken for the machine's own; null: the one we are in. Tests bring one.</param>
internal sealed class NetworkTools(string? machine = null)
{
    private const int MostOutput = 16 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Null, or the packages without which there are no networks.</summary>
    public static string? Missing()
    {
        string?[] missing = [OciTools.Find("ip") is null ? "iproute2" : null, OciTools.Find("nft") is null ? "nftables" : null];
        return missing.All(package => package is null) ? null : string.Join(' ', missing.OfType<string>());
    }

    /// <exception cref="IOException">There is no such tool, or it did not end.</exception>
    public async Task<ToolResult> RunAsync(string tool, IReadOnlyList<string> arguments, string input = "", IReadOnlyList<string>? environment = null)
    {
        var path = tool.StartsWith('/') ? tool : OciTools.Find(tool) ?? throw new IOException($"'{tool}' is not installed");
        var (executable, all) = machine is null
            ? (path, arguments)
            : ("/usr/bin/nsenter", (IReadOnlyList<string>)[$"--net={machine}", "--", path, .. arguments]);
        var (fromUs, toChild) = ChildProcess.CreatePipe();
        var (outRead, outWrite) = ChildProcess.CreatePipe();
        var (errRead, errWrite) = ChildProcess.CreatePipe();
        await using var standardInput = new AnonymousPipeClientStream(PipeDirection.Out, toChild);
        await using var standardOutput = new AnonymousPipeClientStream(PipeDirection.In, outRead);
        await using var standardError = new AnonymousPipeClientStream(PipeDirection.In, errRead);
        int pid;
        using (fromUs)
        using (outWrite)
        using (errWrite)
        {
            pid = ChildProcess.Start(new ChildPlan(
                executable,
                all,
                environment ?? ChildProcess.ToolEnvironment,
                [ChildDescriptor.Copy(0, fromUs), ChildDescriptor.Copy(1, outWrite), ChildDescriptor.Copy(2, errWrite)]));
        }

        var exit = ChildProcess.WaitAsync(pid);
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            var output = ReadAsync(standardOutput, limit.Token);
            var error = ReadAsync(standardError, limit.Token);
            await WriteAsync(standardInput, input, limit.Token).ConfigureAwait(false);
            return new ToolResult(await exit.WaitAsync(limit.Token).ConfigureAwait(false), await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            _ = Libc.Kill(pid, Libc.SigKill);
            await exit.ConfigureAwait(false);
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"'{tool}' did not end within {Patience.TotalSeconds:0} seconds"));
        }
    }

    /// <summary>As <see cref="RunAsync"/>, for what must work.</summary>
    public async Task DemandAsync(string tool, IReadOnlyList<string> arguments, string input = "")
    {
        var result = await RunAsync(tool, arguments, input).ConfigureAwait(false);
        if (result.Code != 0)
        {
            throw new IOException($"{tool}: {result.Trouble}");
        }
    }

    /// <summary>
    /// Makes the kernel forget flows that it translates, so that their next packets go by the rules of now. Without the tool that does it
    /// they end when their sender pauses for the kernel's timeout.
    /// </summary>
    /// <param name="which">As <c>conntrack -D</c> takes it.</param>
    public async Task ForgetFlowsAsync(IReadOnlyList<string> which)
    {
        try
        {
            // Exit code 1 says that there was none.
            await RunAsync("conntrack", ["-D", .. which]).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // Not installed.
        }
    }

    public async Task<bool> TryAsync(string tool, IReadOnlyList<string> arguments, string input = "") =>
        (await RunAsync(tool, arguments, input).ConfigureAwait(false)).Code == 0;

    public async Task<bool> LinkExistsAsync(string link) => machine is null
        ? Directory.Exists("/sys/class/net/" + link)
        : await TryAsync("ip", ["link", "show", "dev", link]).ConfigureAwait(false);

    /// <summary>Names of the machine's interfaces.</summary>
    public async Task<IReadOnlyList<string>> LinksAsync() =>
        [.. Objects((await RunAsync("ip", ["-j", "link", "show"]).ConfigureAwait(false)).Output).Select(link => Field(link, "ifname"))];

    /// <summary>Where the machine's routes lead, without those of interfaces whose names begin so and without routes to everywhere.</summary>
    public async Task<IReadOnlyList<Subnet>> RoutesAsync(string butNotOf)
    {
        var routes = new List<Subnet>();
        foreach (var route in Objects((await RunAsync("ip", ["-j", "-4", "route", "show", "table", "all"]).ConfigureAwait(false)).Output))
        {
            var to = Field(route, "dst");
            // A VPN that takes all traffic has routes such as 0.0.0.0/1; a bridge's own route is more exact and wins.
            if (!Field(route, "dev").StartsWith(butNotOf, StringComparison.Ordinal)
                && Subnet.TryParse(to.Contains('/') ? to : to + "/32", out var subnet) && subnet.PrefixLength >= 8)
            {
                routes.Add(subnet);
            }
        }
        return routes;
    }

    private static List<JsonElement> Objects(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json.Length == 0 ? "[]" : json);
            return [.. document.RootElement.EnumerateArray().Where(element => element.ValueKind == JsonValueKind.Object).Select(element => element.Clone())];
        }
        catch (JsonException e)
        {
            throw new IOException("'ip' did not answer in JSON; is iproute2 older than 4.17?", e);
        }
    }

    private static string Field(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static async Task WriteAsync(Stream stream, string text, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).ConfigureAwait(false);
            stream.Close();
        }
        catch (IOException)
        {
            // The tool ended without reading all; its exit code says why.
        }
    }

    private static async Task<string> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (all.Length < MostOutput)
            {
                all.Write(buffer, 0, read);
            }
        }
        return Encoding.UTF8.GetString(all.GetBuffer(), 0, (int)all.Length).Trim();
    }
}
