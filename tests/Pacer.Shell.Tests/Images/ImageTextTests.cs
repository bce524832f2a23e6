using System.Text;
using Pacer.Agent;
using Pacer.Agent.Containers.Users;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;

namespace Pacer.Shell.Tests.Images;

/// <summary>What is decided from texts alone.</summary>
public sealed class ImageTextTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("docker.io/busybox:1.36", "docker.io/library/busybox:1.36")]
    [InlineData("index.docker.io/library/busybox", "docker.io/library/busybox:latest")]
    [InlineData("bitnami/redis:7", "docker.io/bitnami/redis:7")]
    [InlineData("localhost/a", "localhost/a:latest")]
    [InlineData("docker://registry.local:5000/a/b_c/d-e.f:V1.0", "registry.local:5000/a/b_c/d-e.f:V1.0")]
    [InlineData("[::1]:5000/a", "[::1]:5000/a:latest")]
    [InlineData("a:v1@" + Digest, "docker.io/library/a@" + Digest)]
    public void Name_AsDockerTakesIt_IsUnderstood(string text, string name) => Assert.Equal(name, ImageName.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("A/b")]
    [InlineData("a:")]
    [InlineData("a/../b")]
    [InlineData("a:tag/with/slash:")]
    [InlineData("registry.local:notaport/a")]
    [InlineData("a@sha512:00")]
    public void Name_ThatIsNone_IsRefused(string text) => Assert.Throws<ImageException>(() => ImageName.Parse(text));

    // The table of mesos-containers.md §3, as far as it concerns an image.
    [Theory]
    [InlineData("", "c d", "", "c d")]
    [InlineData("", "c d", "x", "c x")]
    [InlineData("e f", "", "", "e f")]
    [InlineData("e f", "", "x y", "e f x y")]
    [InlineData("e f", "c d", "", "e f c d")]
    [InlineData("e f", "c d", "x", "e f x")]
    public void Command_EntryPointCommandAndArguments_AreJoinedAsInMesos(string entrypoint, string command, string arguments, string all) =>
        Assert.Equal(all, string.Join(' ', ImageCommand.Of(Config(entrypoint, command), Words(arguments))));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public void Command_ImageHasNone_IsAnError(string arguments) =>
        Assert.Throws<ImageException>(() => ImageCommand.Of(Config("", ""), Words(arguments)));

    [Fact]
    public void DockerConfig_AllSpellings_AreFound()
    {
        var config = DockerConfig.Parse(Encoding.UTF8.GetBytes(
            """
            {"credsStore":"desktop","auths":{
              "https://index.docker.io/v1/":{"auth":"aHViOnB3OndpdGg6Y29sb25z"},
              "https://registry.local:5000/v2/":{"username":"u","password":"p"},
              "token.local":{"identitytoken":"t"},
              "empty.local":{}}}
            """), "test");
        Assert.Equal(new RegistryLogin("hub", "pw:with:colons", null), config.For("docker.io"));
        Assert.Equal(new RegistryLogin("u", "p", null), config.For("registry.local:5000"));
        Assert.Equal("t", config.For("token.local")!.IdentityToken);
        Assert.Null(config.For("empty.local"));
        Assert.Null(config.For("registry.local"));
        Assert.Equal("u", DockerConfig.Parse(Encoding.UTF8.GetBytes("""{"a.local":{"username":"u","password":"p"}}"""), "old").For("a.local")!.User);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"auths":{"a":{"auth":"%%%secret"}}}""")]
    public void DockerConfig_ThatIsNone_IsRefusedWithoutItsContent(string text)
    {
        var e = Assert.Throws<ImageException>(() => DockerConfig.Parse(Encoding.UTF8.GetBytes(text), "the file"));
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0, 0, "")]
    [InlineData("app", 1234, 1235, "1236")]
    [InlineData("1234", 1234, 1235, "1236")]
    [InlineData("app:extra", 1234, 1236, "")]
    [InlineData("77", 77, 0, "")]
    [InlineData("77:88", 77, 88, "")]
    public void ImageUser_NamesAndNumbers_AreTheImages(string text, int uid, int gid, string groups)
    {
        var users = new UserDatabase("root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n", "root:x:0:\nextra:x:1236:app\n");
        var user = ImageUser.Find(users, text)!;
        Assert.Equal(((uint)uid, (uint)gid, groups), (user.Uid, user.Gid, string.Join(',', user.Groups)));
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("app:nogroup")]
    public void ImageUser_Unknown_IsNone(string text) =>
        Assert.Null(ImageUser.Find(new UserDatabase("app:x:1234:1235::/:\n", ""), text));

    [Fact]
    public void Settings_MirrorsAndInsecureRegistries_GiveTheAddressesInOrder()
    {
        var options = new AgentOptions
        {
            Join = "", WorkDir = "", RunDir = "", InsecureRegistries = ["old.local:5000"], RegistryMirrors = ["docker.io=https://m1", "docker.io=http://m2:80/x"],
        };
        var settings = RegistrySettings.From(options);
        Assert.Equal(["https://m1/", "http://m2/x", "https://registry-1.docker.io/"], settings.Endpoints("docker.io").Select(uri => uri.ToString()));
        Assert.Equal(["https://old.local:5000/", "http://old.local:5000/"], settings.Endpoints("old.local:5000").Select(uri => uri.ToString()));
        Assert.Equal(["https://127.0.0.1:5000/", "http://127.0.0.1:5000/"], settings.Endpoints("127.0.0.1:5000").Select(uri => uri.ToString()));
        Assert.Equal(["https://quay.io/"], settings.Endpoints("quay.io").Select(uri => uri.ToString()));
        Assert.Throws<AgentException>(() => RegistrySettings.From(options with { RegistryMirrors = ["docker.io"] }));
        Assert.Throws<AgentException>(() => RegistrySettings.From(options with { InsecureRegistries = ["http://x/"] }));
    }

    [Theory]
    [InlineData("""{"schemaVersion":1,"fsLayers":[]}""", "schema 1")]
    [InlineData("""{"schemaVersion":2}""", "makes no sense")]
    [InlineData("""{"schemaVersion":2,"config":{"digest":"sha256:../../etc"},"layers":[]}""", "not SHA-256")]
    [InlineData("nothing", "makes no sense")]
    public void Manifest_ThatCannotBeUsed_SaysWhy(string json, string why) =>
        Assert.Contains(why, Assert.Throws<ImageException>(() => ImageManifest.Parse(Encoding.UTF8.GetBytes(json))).Message, StringComparison.Ordinal);

    private static ImageConfig Config(string entrypoint, string command) => new(Words(entrypoint), Words(command), [], "", "", [], []);

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
