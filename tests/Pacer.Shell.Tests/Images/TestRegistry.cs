using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Pacer.Shell.Tests.Images;

/// <summary>A real registry (Debian's docker-registry) on loopback, with storage of its own; gone at the end.</summary>
internal sealed class TestRegistry : IAsyncDisposable
{
    public const string User = "ali";
    public const string Password = "sesame";

    // bcrypt of the password.
    private const string PasswordHash = "$2b$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O";
    private const string Program = "/usr/bin/docker-registry";

    private readonly string _root;
    private readonly Process _process;
    private readonly HttpClient _http;

    private static int s_last;

    private TestRegistry(string root, Process process, string host, bool isPrivate)
    {
        (_root, _process, Host) = (root, process, host);
        _http = new HttpClient { BaseAddress = new Uri("http://" + Host) };
        if (isPrivate)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Authorization);
        }
    }

    /// <summary>Name and password as they stand in a config.json.</summary>
    public static string Authorization => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"));

    /// <summary>Host and port: the first part of image names.</summary>
    public string Host { get; }

    /// <summary>A config.json with the login for this registry.</summary>
    public string DockerConfig => $$"""{"auths":{"{{Host}}":{"auth":"{{Authorization}}"} } }""";

    /// <param name="isPrivate">It wants a login.</param>
    public static async Task<TestRegistry> StartAsync(bool isPrivate = false)
    {
        Assert.SkipUnless(File.Exists(Program), "docker-registry is not installed (apt-get install docker-registry)");
        var root = Directory.CreateTempSubdirectory("pacer-registry-").FullName;
        // An address of its own for each: a port that is found to be free may be taken by another test the next moment.
        var pid = Environment.ProcessId;
        var host = string.Create(CultureInfo.InvariantCulture, $"127.{100 + pid / 250 % 100}.{1 + pid % 250}.{Interlocked.Increment(ref s_last)}:5000");
        var access = isPrivate ? $"\nauth:\n  htpasswd:\n    realm: test\n    path: {root}/htpasswd" : "";
        File.WriteAllText($"{root}/htpasswd", $"{User}:{PasswordHash}\n");
        File.WriteAllText($"{root}/config.yml",
            $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {root}/data\nhttp:\n  addr: {host}{access}\n");
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec {Program} serve {root}/config.yml >{root}/log 2>&1 </dev/null"]);
        var registry = new TestRegistry(root, Process.Start(start)!, host, isPrivate);
        for (var i = 0; ; i++)
        {
            try
            {
                if ((await registry._http.GetAsync("/v2/")).IsSuccessStatusCode)
                {
                    return registry;
                }
            }
            catch (HttpRequestException) when (i < 500)
            {
            }
            if (i == 500)
            {
                Assert.Fail("the registry does not start: " + File.ReadAllText($"{root}/log"));
            }
            await Task.Delay(20);
        }
    }

    /// <summary>How often a blob, or a manifest, was sent.</summary>
    public int Sent(string path) => File.ReadAllLines($"{_root}/log").Count(line =>
        line.Contains($"\"GET /v2/{path}", StringComparison.Ordinal) && line.Contains("\" 20", StringComparison.Ordinal));

    public async Task<string> PushBlobAsync(string repository, byte[] content)
    {
        var digest = Digest(content);
        var upload = await _http.PostAsync($"/v2/{repository}/blobs/uploads/", null);
        Assert.Equal(HttpStatusCode.Accepted, upload.StatusCode);
        var place = upload.Headers.Location!.ToString();
        var put = await _http.PutAsync($"{place}{(place.Contains('?') ? '&' : '?')}digest={digest}", new ByteArrayContent(content)
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") },
        });
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        return digest;
    }

    public async Task<string> PushManifestAsync(string repository, string tag, string mediaType, string json)
    {
        var content = Encoding.UTF8.GetBytes(json);
        var put = await _http.PutAsync($"/v2/{repository}/manifests/{tag}", new ByteArrayContent(content)
        {
            Headers = { ContentType = new MediaTypeHeaderValue(mediaType) },
        });
        Assert.True(put.StatusCode == HttpStatusCode.Created, await put.Content.ReadAsStringAsync());
        return Digest(content);
    }

    /// <summary>The file in which a blob lies, for tests that damage it.</summary>
    public string BlobFile(string digest) => $"{_root}/data/docker/registry/v2/blobs/sha256/{digest.AsSpan(7, 2)}/{digest.AsSpan(7)}/data";

    public static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
