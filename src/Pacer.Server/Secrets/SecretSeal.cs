using System.Security.Cryptography;
using System.Text;

namespace Pacer.Server.Secrets;

/// <summary>
/// Seals secrets with AES-256-GCM. The text is base64 of: format (1 byte), nonce (12), tag (16), content. The name is authenticated with
/// it, so that a row can't be passed off as another.
/// </summary>
internal static class SecretSeal
{
    private const byte Format = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + NonceBytes + TagBytes;

    public static string Seal(string name, ReadOnlySpan<byte> content, byte[] key)
    {
        var box = new byte[HeadBytes + content.Length];
        box[0] = Format;
        var nonce = box.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(key, TagBytes);
        cipher.Encrypt(nonce, content, box.AsSpan(HeadBytes), box.AsSpan(1 + NonceBytes, TagBytes), Encoding.UTF8.GetBytes(name));
        return Convert.ToBase64String(box);
    }

    /// <summary>The content; null when the key is another, or the text was altered.</summary>
    public static byte[]? Open(string name, string @sealed, byte[] key)
    {
        try
        {
            var box = Convert.FromBase64String(@sealed);
            if (box.Length < HeadBytes || box[0] != Format)
            {
                return null;
            }
            var content = new byte[box.Length - HeadBytes];
            using var cipher = new AesGcm(key, TagBytes);
            cipher.Decrypt(
                box.AsSpan(1, NonceBytes), box.AsSpan(HeadBytes), box.AsSpan(1 + NonceBytes, TagBytes), content, Encoding.UTF8.GetBytes(name));
            return content;
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return null;
        }
    }
}
