using System.Runtime.InteropServices;

namespace Pacer.Edge.Balancing.Http;

/// <summary>Checks passwords against hashes of <c>crypt(3)</c>, whatever kinds the system knows: $1$, $5$, $6$, $y$, $2b$.</summary>
internal static partial class Crypt
{
    // The function keeps its answer in one place.
    private static readonly Lock Turn = new();

    /// <summary>False too when the kind of the hash is not known.</summary>
    public static bool Verify(string password, string hash)
    {
        if (hash.Length < 2)
        {
            return false;
        }
        lock (Turn)
        {
            try
            {
                var made = Marshal.PtrToStringUTF8(crypt(password, hash));
                // "*0" and "*1" stand for errors.
                return made is { Length: > 2 } && made[0] != '*'
                    && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(made.AsSpan()), MemoryMarshal.AsBytes(hash.AsSpan()));
            }
            catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
            {
                return false;
            }
        }
    }

    [LibraryImport("libcrypt.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint crypt(string phrase, string setting);
}
