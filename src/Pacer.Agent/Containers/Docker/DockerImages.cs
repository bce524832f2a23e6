using System.Formats.Tar;
using System.Text.Json;
using Pacer.Agent.Images;
using Pacer.Agent.Images.Registry;

namespace Pacer.Agent.Containers.Docker;

/// <summary>Images as the daemon keeps them: it pulls them, and removes none by itself.</summary>
internal sealed class DockerImages(EngineClient engine)
{
    private const int LongestLine = 1 << 20;

    /// <summary>The image is at the daemon afterwards. Throws <see cref="ImageException"/>, which names the image and the cause.</summary>
    /// <param name="force">Look again what the name means, even if it is there.</param>
    public async Task ObtainAsync(string image, bool force, DockerConfig logins, CancellationToken cancellationToken)
    {
        var name = ImageName.Parse(image);
        try
        {
            if (!force && await engine.FindAsync($"/images/{Reference(image)}/json", EngineJson.Default.InspectedImage, cancellationToken).ConfigureAwait(false) is not null)
            {
                return;
            }
            await PullAsync(name, logins.For(name.Registry), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EngineException or EngineUnavailableException)
        {
            throw new ImageException($"Failed to pull the image '{image}': {e.Message}", e);
        }
    }

    /// <summary>As the Engine takes it: without the scheme that Mesos allows. A valid name has nothing that a path would have to escape; Podman takes no escaped slash.</summary>
    public static string Reference(string image) => image.StartsWith("docker://", StringComparison.Ordinal) ? image["docker://".Length..] : image;

    /// <summary>A file of a container; empty when it has none.</summary>
    public async Task<string> ReadFileAsync(string container, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await engine.OpenAsync(HttpMethod.Get, $"/containers/{container}/archive?path={Uri.EscapeDataString(path)}", null, cancellationToken).ConfigureAwait(false);
            return await EngineClient.GuardAsync(async () =>
            {
                await using var archive = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
                await using var tar = new TarReader(archive);
                var entry = await tar.GetNextEntryAsync(copyData: true, cancellationToken).ConfigureAwait(false);
                if (entry?.DataStream is not { } content)
                {
                    return "";
                }
                using var reader = new StreamReader(content);
                return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        catch (EngineException)
        {
            return "";
        }
    }

    private async Task PullAsync(ImageName name, RegistryLogin? login, CancellationToken cancellationToken)
    {
        var source = $"fromImage={Uri.EscapeDataString($"{name.Registry}/{name.Repository}")}&tag={Uri.EscapeDataString(name.Reference)}";
        using var answer = await engine.OpenAsync(HttpMethod.Post, "/images/create?" + source, login is null ? null : Authorization(name.Registry, login), cancellationToken).ConfigureAwait(false);
        await EngineClient.GuardAsync(async () =>
        {
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
            while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                // A refusal comes after the answer has begun, as a line in it.
                if (line.Length is > 0 and < LongestLine && line.Contains("\"error\"", StringComparison.Ordinal)
                    && JsonSerializer.Deserialize(line, EngineJson.Default.PullProgress)?.Error is { } error)
                {
                    throw new EngineException(500, error);
                }
            }
            return true;
        }).ConfigureAwait(false);
    }

    private static string Authorization(string registry, RegistryLogin login)
    {
        var auth = login.IdentityToken is { } token
            ? new RegistryAuth { IdentityToken = token, Registry = registry }
            : new RegistryAuth { User = login.User, Password = login.Password, Registry = registry };
        return Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(auth, EngineJson.Default.RegistryAuth)).Replace('+', '-').Replace('/', '_');
    }
}
