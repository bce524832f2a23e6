using System.Security.Cryptography;
using CsCheck;
using Pacer.Server;
using Pacer.Server.Secrets;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Secrets;

public sealed class SecretSealTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(SecretKey.Bytes);

    [Fact]
    public void Seal_AnyContent_OpensWithItsKeyAndNameOnly() =>
        Gen.Select(Gen.String, Gen.Byte.Array[0, 200]).Sample((name, content) =>
        {
            var text = SecretSeal.Seal(name, content, Key);
            Assert.Equal(content, SecretSeal.Open(name, text, Key));
            Assert.Null(SecretSeal.Open(name + "x", text, Key));
            Assert.Null(SecretSeal.Open(name, text, RandomNumberGenerator.GetBytes(SecretKey.Bytes)));
        });

    [Fact]
    public void Open_AlteredText_IsRefused() =>
        Gen.Select(Gen.Byte.Array[1, 40], Gen.Int[0, 1000], Gen.Byte[1, 255]).Sample((content, at, flip) =>
        {
            var box = Convert.FromBase64String(SecretSeal.Seal("a", content, Key));
            box[at % box.Length] ^= flip;
            Assert.Null(SecretSeal.Open("a", Convert.ToBase64String(box), Key));
        });

    [Theory]
    [InlineData("")]
    [InlineData("no base64")]
    [InlineData("AQ==")]
    public void Open_Garbage_IsRefused(string text) => Assert.Null(SecretSeal.Open("a", text, Key));

    [Fact]
    public void Key_IsMadeOnceAndKeptForItsOwner()
    {
        using var dir = new TempDirectory();
        var file = Path.Combine(dir.Path, SecretKey.FileName);
        var first = SecretKey.Open(file, null);
        Assert.Null(first.Find());
        var made = first.FindOrMake();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(made, SecretKey.Open(file, null).Find());
    }

    [Fact]
    public void Key_OfWrongLength_IsRefusedWithTheCure()
    {
        using var dir = new TempDirectory();
        Assert.Contains("openssl rand", Assert.Throws<ServerStartException>(() => SecretKey.Open(Path.Combine(dir.Path, "k"), "AQID")).Message);
        File.WriteAllText(Path.Combine(dir.Path, "k"), "garbage");
        Assert.Contains("holds no key", Assert.Throws<ServerStartException>(() => SecretKey.Open(Path.Combine(dir.Path, "k"), null)).Message);
    }
}
