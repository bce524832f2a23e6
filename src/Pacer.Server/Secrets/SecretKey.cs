using System.Security.Cryptography;
using Pacer.Server.Hosting;

namespace Pacer.Server.Secrets;

/// <summary>
/// The key that secrets are sealed with: 32 bytes, given in the environment or kept in a file that only the server's user reads. The
/// file is made when the first secret is stored.
/// </summary>
internal sealed class SecretKey
{
    public const string FileName = "secrets.key";
    public const int Bytes = 32;

    private readonly string _file;
    private readonly Lock _gate = new();
    private byte[]? _key;

    private SecretKey(string file, byte[]? key)
    {
        _file = file;
        _key = key;
    }

    /// <param name="given">Base64 of 32 bytes, or null: the file decides.</param>
    /// <exception cref="ServerStartException">What is given is no key, or the file can't be read.</exception>
    public static SecretKey Open(string file, string? given)
    {
        if (given is not null)
        {
            return new SecretKey(file, Parse(given)
                ?? throw new ServerStartException($"PACER_SECRETS_KEY is no key: give {Bytes} bytes in base64, as 'openssl rand -base64 {Bytes}' makes them."));
        }
        try
        {
            return !File.Exists(file)
                ? new SecretKey(file, null)
                : new SecretKey(file, Parse(File.ReadAllText(file))
                    ?? throw new ServerStartException($"{file} holds no key: it must be {Bytes} bytes in base64. Put the right file back; without it stored secrets can't be read."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerStartException($"The key of secrets {file} can't be read by this user.", e);
        }
    }

    /// <summary>The key, or null when there is none yet.</summary>
    public byte[]? Find()
    {
        lock (_gate)
        {
            return _key;
        }
    }

    /// <summary>The key, made and kept if there was none. Throws <see cref="IOException"/> when it can't be kept.</summary>
    public byte[] FindOrMake()
    {
        lock (_gate)
        {
            if (_key is null)
            {
                var made = RandomNumberGenerator.GetBytes(Bytes);
                Keep(made);
                _key = made;
            }
            return _key;
        }
    }

    // What is sealed before its key is safe on disk would be lost by a power cut.
    private void Keep(byte[] key)
    {
        var temporary = _file + ".tmp";
        File.Delete(temporary);
        using (var stream = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, _file);
    }

    private static byte[]? Parse(string text)
    {
        var key = new byte[Bytes];
        return Convert.TryFromBase64String(text.Trim(), key, out var written) && written == Bytes ? key : null;
    }
}
