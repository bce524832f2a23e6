using System.Net;
using System.Text;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Where HAProxy's configuration, certificates and sockets are. One balancer holds it at a time, and the next one finds in it what runs.</summary>
internal sealed class HaproxyDirectory : IAsyncDisposable
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _held;

    private HaproxyDirectory(string path, FileStream held)
    {
        Path = path;
        _held = held;
    }

    public string Path { get; }

    private string Listeners => File("listeners");

    /// <summary>Makes and takes it. Throws <see cref="BalancerStartException"/> when it can't be used.</summary>
    public static HaproxyDirectory Take(string path)
    {
        if (Encoding.UTF8.GetByteCount(path) > 80)
        {
            throw new BalancerStartException($"--lb-dir {path} is too long for the names of sockets. Choose a path of at most 80 characters.");
        }
        var @lock = System.IO.Path.Combine(path, "lock");
        try
        {
            if (!Directory.Exists(path))
            {
                Directory.CreateDirectory(path, OnlyOwner);
            }
            // Workers are another user and must get as far as the socket for their log; files with secrets are closed each by itself.
            System.IO.File.SetUnixFileMode(path, OnlyOwner | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            return new HaproxyDirectory(path, new FileStream(@lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BalancerStartException(e is IOException && System.IO.File.Exists(@lock)
                ? $"Another load balancer works in {path}. Stop it, or give this one a directory of its own with --lb-dir DIR."
                : $"The load balancer can't work in {path} ({e.Message.TrimEnd('.')}). Choose another directory with --lb-dir DIR.");
        }
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a configuration, and the files it names that are not there yet.</summary>
    public void Write(HaproxyConfiguration configuration, string file)
    {
        foreach (var (name, text) in configuration.Files)
        {
            var path = File(name);
            if (!System.IO.File.Exists(path))
            {
                WritePrivately(path + ".new", text);
                System.IO.File.Move(path + ".new", path, true);
            }
        }
        WritePrivately(file, configuration.Text);
    }

    /// <summary>Removes files that only configurations before this one named.</summary>
    public void Tidy(HaproxyConfiguration configuration) => Remove(file => file.Contains('-', StringComparison.Ordinal) && !configuration.Files.ContainsKey(file));

    public Task WriteListenersAsync(IEnumerable<(string Kind, string Wanted, IPEndPoint Address)> chosen) =>
        System.IO.File.WriteAllLinesAsync(Listeners, chosen.Select(listener => $"{listener.Kind} {listener.Wanted} {listener.Address}"));

    /// <summary>The balancer's own listeners as they were chosen last, by the address that was wanted. Throws <see cref="IOException"/> when that is not known.</summary>
    public Dictionary<(string Kind, string Wanted), IPEndPoint> ReadListeners() =>
        System.IO.File.ReadLines(Listeners).Select(line => line.Split(' ')).Where(words => words.Length == 3 && IPEndPoint.TryParse(words[2], out _))
            .ToDictionary(words => (words[0], words[1]), words => IPEndPoint.Parse(words[2]));

    /// <summary>Addresses that a configuration listens on, as <see cref="HaproxyRenderer.BindOf"/> writes them. Throws <see cref="IOException"/>.</summary>
    public static IEnumerable<string> ReadBinds(string configuration) =>
        System.IO.File.ReadLines(configuration).Select(line => line.Trim()).Where(line => line.StartsWith("bind ", StringComparison.Ordinal)).Select(line => line.Split(' '))
            .Select(words => words.Length > 2 && words[2] == "v4v6" ? $"{words[1]} v4v6" : words[1]);

    /// <summary>Lets others have it.</summary>
    public ValueTask DisposeAsync() => _held.DisposeAsync();

    /// <summary>Nothing runs in it any more.</summary>
    public void Delete()
    {
        Remove(_ => true);
        try
        {
            Directory.Delete(Path);
        }
        catch (IOException)
        {
            // Somebody keeps something there.
        }
    }

    // Keys and hashes of passwords are nobody else's business.
    private static void WritePrivately(string path, string text)
    {
        System.IO.File.Delete(path);
        using var stream = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        stream.Write(Encoding.UTF8.GetBytes(text));
    }

    private void Remove(Func<string, bool> which)
    {
        foreach (var file in Directory.GetFiles(Path).Where(file => which(System.IO.Path.GetFileName(file))))
        {
            try
            {
                System.IO.File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is in nobody's way.
            }
        }
    }
}
