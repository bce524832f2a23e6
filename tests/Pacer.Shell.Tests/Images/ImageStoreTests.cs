using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;
using Pacer.Shell.Tests.Loop;

namespace Pacer.Shell.Tests.Images;

/// <summary>Pulling from a real registry into a store, and what stays there.</summary>
public sealed class ImageStoreTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("pacer-images-test-").FullName;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ImageStore> _stores = [];
    private TestRegistry _registry = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Libc.GetUid() == 0, "unpacking layers takes root");
        _registry = await TestRegistry.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _stores.ForEach(store => store.Dispose());
        if (_registry is not null)
        {
            await _registry.DisposeAsync();
        }
        Directory.Delete(_root, recursive: true);
    }

    private ImageStore Open(TimeProvider? time = null, ImageLimits? limits = null, AgentOptions? options = null)
    {
        var settings = RegistrySettings.From(options ?? Options());
        var store = new ImageStore(_root, settings, limits ?? new(TimeSpan.FromDays(7), long.MaxValue), time ?? TimeProvider.System, NullLogger.Instance, _stopping.Token);
        _stores.Add(store);
        return store;
    }

    private static AgentOptions Options() => new() { Join = "unix:/none", WorkDir = "/none", RunDir = "/none" };

    private static TestImage Image(string content = "hello", Packing packing = Packing.Gzip)
    {
        using var layer = new TestLayer();
        return new TestImage().With(layer.Directory("etc").File("etc/word", content), packing);
    }

    private static Task<ImageRecord> ObtainAsync(ImageStore store, string container, string name, bool force = false, DockerConfig? logins = null) =>
        store.ObtainAsync(container, name, force, logins ?? DockerConfig.None, default);

    private static string Word(ImageStore store, ImageRecord image) =>
        File.ReadAllText(store.LayerPaths(image).Select(layer => $"{layer}/etc/word").First(File.Exists));

    [Theory]
    [InlineData("None")]
    [InlineData("Gzip")]
    [InlineData("Zstd")]
    public async Task Obtain_ByTagAndByDigest_UnpacksTheLayers(string packing)
    {
        var digest = await Image("as it was", Enum.Parse<Packing>(packing)).PushAsync(_registry, "a/word", "v1");
        var store = Open();
        var image = await ObtainAsync(store, "c1", $"{_registry.Host}/a/word:v1");
        Assert.Equal((digest, "as it was"), (image.Digest, Word(store, image)));
        Assert.Equal(digest, (await ObtainAsync(store, "c2", $"{_registry.Host}/a/word@{digest}")).Digest);
        Assert.Equal(1, _registry.Sent("a/word/blobs/" + Image("as it was", Enum.Parse<Packing>(packing)).BlobDigests[0]));
    }

    [Fact]
    public async Task Obtain_IndexOfPlatforms_TakesTheOneOfThisMachine()
    {
        var here = new TestImage().Architecture;
        using var other = new TestLayer();
        var wrong = await new TestImage { Architecture = "s390x" }.With(other.File("etc/word", "wrong")).PushAsync(_registry, "multi", "wrong");
        var right = await Image("right").PushAsync(_registry, "multi", "right");
        await _registry.PushManifestAsync("multi", "latest", "application/vnd.oci.image.index.v1+json",
            $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
              {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{wrong}}","size":1,"platform":{"os":"linux","architecture":"s390x"} },
              {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{right}}","size":1,"platform":{"os":"linux","architecture":"{{here}}"} } ]}
            """);
        var store = Open();
        var image = await ObtainAsync(store, "c1", $"{_registry.Host}/multi");
        Assert.Equal((right, "right"), (image.Digest, Word(store, image)));
    }

    [Fact]
    public async Task Obtain_ManyAtOnce_TransfersEachLayerOnceAndSharesIt()
    {
        using var shared = new TestLayer();
        using var own = new TestLayer();
        var first = Image("shared");
        await first.PushAsync(_registry, "one");
        await Image("shared").With(own.File("etc/more", new string('x', 100_000))).PushAsync(_registry, "two");
        var store = Open();
        var images = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => ObtainAsync(store, $"c{i}", $"{_registry.Host}/{(i % 2 == 0 ? "one" : "two")}")));
        Assert.Equal(2, images.Select(image => image.Digest).Distinct().Count());
        Assert.Equal(1, _registry.Sent("one/blobs/" + first.BlobDigests[0]) + _registry.Sent("two/blobs/" + first.BlobDigests[0]));
        Assert.Equal(2, Directory.GetDirectories($"{_root}/layers").Length);
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/tmp"));
    }

    [Fact]
    public async Task Obtain_TagMoved_OnlyForcingSeesIt()
    {
        var name = $"{_registry.Host}/moving:v1";
        await Image("old").PushAsync(_registry, "moving", "v1");
        var store = Open();
        var old = await ObtainAsync(store, "c1", name);
        await Image("new").PushAsync(_registry, "moving", "v1");
        Assert.Equal(old.Digest, (await ObtainAsync(store, "c2", name)).Digest);
        var forced = await ObtainAsync(store, "c3", name, force: true);
        Assert.Equal("new", Word(store, forced));
        Assert.Equal(forced.Digest, (await ObtainAsync(store, "c4", name)).Digest);
        Assert.Equal("old", Word(store, store.Of("c1")!));
        // The next agent sees it the same way.
        var next = Open();
        Assert.Equal(forced.Digest, (await ObtainAsync(next, "c5", name)).Digest);
        Assert.Equal(old.Digest, next.Of("c1")!.Digest);
    }

    [Theory]
    [InlineData("nothing/there", "has no such image")]
    [InlineData("UPPER", "lower case")]
    [InlineData("x@sha256:12", "not a digest")]
    public async Task Obtain_ImpossibleName_SaysWhy(string name, string why)
    {
        var e = await Assert.ThrowsAsync<ImageException>(() => ObtainAsync(Open(), "c1", $"{_registry.Host}/{name}"));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Obtain_RegistryIsAway_SaysSoAndTheNextAttemptWorks()
    {
        var name = "127.0.0.1:1/word";
        var store = Open();
        var e = await Assert.ThrowsAsync<ImageException>(() => ObtainAsync(store, "c1", name));
        Assert.Contains("127.0.0.1:1 can't be reached", e.Message, StringComparison.Ordinal);
        await Image().PushAsync(_registry, "word");
        var mirrored = Open(options: Options() with { RegistryMirrors = [$"127.0.0.1:1=http://{_registry.Host}"] });
        Assert.Equal("hello", Word(mirrored, await ObtainAsync(mirrored, "c1", name)));
    }

    [Fact]
    public async Task Obtain_PrivateRegistry_TakesTheRightLoginOnly()
    {
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await Image().PushAsync(registry, "word");
        var store = Open();
        var name = $"{registry.Host}/word";
        var without = await Assert.ThrowsAsync<ImageException>(() => ObtainAsync(store, "c1", name));
        Assert.Contains("no access without a login", without.Message, StringComparison.Ordinal);
        var wrong = DockerConfig.Parse(Encoding.UTF8.GetBytes($$"""{"auths":{"{{registry.Host}}":{"username":"ali","password":"wrong"} } }"""), "test");
        var refused = await Assert.ThrowsAsync<ImageException>(() => ObtainAsync(store, "c1", name, logins: wrong));
        Assert.Contains("'ali'", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", refused.Message, StringComparison.Ordinal);
        var right = DockerConfig.Parse(Encoding.UTF8.GetBytes(registry.DockerConfig), "test");
        Assert.Equal("hello", Word(store, await ObtainAsync(store, "c1", name, logins: right)));
    }

    [Fact]
    public async Task Obtain_BlobIsDamaged_RefusesItAndLeavesNothing()
    {
        var image = Image(new string('x', 10_000));
        await image.PushAsync(_registry, "word");
        var file = _registry.BlobFile(image.BlobDigests[0]);
        var bytes = File.ReadAllBytes(file);
        bytes[^20] ^= 1;
        File.WriteAllBytes(file, bytes);
        var store = Open();
        await Assert.ThrowsAsync<ImageException>(() => ObtainAsync(store, "c1", $"{_registry.Host}/word"));
        Assert.Empty(store.Digests);
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/layers"));
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/tmp"));
    }

    [Fact]
    public async Task Open_LeftoversOfACrash_AreRemovedAndNeverUsed()
    {
        var image = Image();
        await image.PushAsync(_registry, "word");
        var store = Open();
        var record = await ObtainAsync(store, "c1", $"{_registry.Host}/word");
        var layer = store.LayerPaths(record)[0];
        await Eventually.TrueAsync(() => !File.ReadAllText($"{layer}.json").Contains("BootId", StringComparison.Ordinal), "the layer is on the disk");
        Directory.CreateDirectory($"{_root}/tmp/half");
        Directory.CreateDirectory($"{_root}/layers/0123456789ab");
        // Written in another boot of the machine, and not known to have reached the disk.
        File.WriteAllText($"{layer}.json", $$"""{"Version":1,"DiffId":"{{image.DiffIds[0]}}","Bytes":1,"BootId":"another"}""");
        File.Delete($"{layer}/etc/word");

        var next = Open();
        Assert.Empty(next.Digests);
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/tmp"));
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/layers"));
        Assert.Equal("hello", Word(next, await ObtainAsync(next, "c2", $"{_registry.Host}/word")));
    }

    [Fact]
    public async Task Collect_UnusedForLong_GoesAndUsedStays()
    {
        var time = new ManualTime();
        await Image("a").PushAsync(_registry, "a");
        await Image("b").PushAsync(_registry, "b");
        var store = Open(time);
        var used = await ObtainAsync(store, "c1", $"{_registry.Host}/a");
        await ObtainAsync(store, "c2", $"{_registry.Host}/b");
        store.Release("c2");
        time.Advance(TimeSpan.FromDays(6));
        store.Collect();
        Assert.Equal(2, store.Digests.Count);
        time.Advance(TimeSpan.FromDays(2));
        store.Collect();
        Assert.Equal([used.Digest], store.Digests);
        Assert.Equal("a", Word(store, used));
        Assert.Single(Directory.GetDirectories($"{_root}/layers"));
        // A use survives the agent, and ends with the container.
        var next = Open(time);
        next.Collect();
        Assert.Equal([used.Digest], next.Digests);
        next.ReleaseAllBut(new HashSet<string>());
        time.Advance(TimeSpan.FromDays(8));
        next.Collect();
        Assert.Empty(next.Digests);
        Assert.Empty(Directory.GetFileSystemEntries($"{_root}/uses"));
    }

    [Fact]
    public async Task Collect_TooMuchOnDisk_LongestUnusedGoesFirst()
    {
        var time = new ManualTime();
        var store = Open(time, new(TimeSpan.FromDays(7), 2_500_000));
        foreach (var name in (string[])["a", "b", "c"])
        {
            await Image(name + new string('x', 1_000_000)).PushAsync(_registry, name);
            await ObtainAsync(store, "of-" + name, $"{_registry.Host}/{name}");
            time.Advance(TimeSpan.FromMinutes(1));
        }
        store.Collect();
        Assert.Equal(3, store.Digests.Count);
        foreach (var name in (string[])["b", "a", "c"])
        {
            store.Release("of-" + name);
            time.Advance(TimeSpan.FromMinutes(1));
        }
        store.Collect();
        var names = store.Digests.Count;
        Assert.Equal(2, names);
        Assert.NotNull((await ObtainAsync(store, "again", $"{_registry.Host}/a")).Digest);
        Assert.Equal(1, _registry.Sent("a/manifests/"));
    }
}
