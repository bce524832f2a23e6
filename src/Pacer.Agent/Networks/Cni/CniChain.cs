namespace Pacer.Agent.Networks.Cni;

/// <summary>Runs the plugins of a network: in order to add an interface, in reverse to remove it.</summary>
internal sealed class CniChain(NetworkTools tools)
{
    /// <summary>Returns the last plugin's result. After a failure <see cref="RemoveAsync"/> is still due.</summary>
    /// <exception cref="NetworkException">A plugin is missing or refused.</exception>
    public async Task<string> AddAsync(CniNetwork network, CniAttachment attachment, string containerId, string namespacePath, string device)
    {
        string? result = null;
        foreach (var plugin in network.Plugins)
        {
            var answer = await CallAsync("ADD", network, plugin, attachment, containerId, namespacePath, device, result).ConfigureAwait(false);
            if (answer.Code != 0)
            {
                throw new NetworkException(Refusal(network, plugin, answer));
            }
            result = answer.Output.Length > 0 ? answer.Output : result;
        }
        return result ?? throw new NetworkException($"the CNI network '{network.Name}' gave no result");
    }

    /// <summary>Repeatable, and works when the namespace is gone already. All plugins are called, whatever one of them says.</summary>
    /// <exception cref="IOException">A plugin could not undo its part; the message names it.</exception>
    public async Task RemoveAsync(CniAttachment attachment, string containerId, string namespacePath, string device)
    {
        var network = CniNetwork.Parse(attachment.Configuration);
        var previous = CniMessages.RemovalTakesResult(network.Version) ? attachment.Result : null;
        string? trouble = null;
        foreach (var plugin in network.Plugins.Reverse())
        {
            try
            {
                var answer = await CallAsync("DEL", network, plugin, attachment, containerId, namespacePath, device, previous).ConfigureAwait(false);
                trouble = answer.Code == 0 ? trouble : Refusal(network, plugin, answer);
            }
            catch (Exception e) when (e is IOException or NetworkException)
            {
                trouble = e.Message;
            }
        }
        if (trouble is not null)
        {
            throw new IOException(trouble);
        }
    }

    private Task<ToolResult> CallAsync(
        string command, CniNetwork network, CniPlugin plugin, CniAttachment attachment, string containerId, string namespacePath, string device, string? previous)
    {
        var executable = attachment.PluginDirectories.Select(directory => Path.Combine(directory, plugin.Type)).FirstOrDefault(File.Exists)
            ?? throw new NetworkException(
                $"the CNI plugin '{plugin.Type}' of network '{network.Name}' is not in {string.Join(" or ", attachment.PluginDirectories)} on this node");
        return tools.RunAsync(
            executable,
            [],
            CniMessages.Input(network, plugin, attachment.Labels, attachment.Ports, previous),
            [
                .. Containers.Native.ChildProcess.ToolEnvironment,
                $"CNI_COMMAND={command}", $"CNI_CONTAINERID={containerId}", $"CNI_NETNS={namespacePath}", $"CNI_IFNAME={device}",
                $"CNI_PATH={string.Join(':', attachment.PluginDirectories)}",
            ]);
    }

    private static string Refusal(CniNetwork network, CniPlugin plugin, ToolResult answer) =>
        $"the CNI plugin '{plugin.Type}' of network '{network.Name}' failed: {CniMessages.Error(answer.Output) ?? answer.Trouble}";
}
