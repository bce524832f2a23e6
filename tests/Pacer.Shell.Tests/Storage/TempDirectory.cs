namespace Pacer.Shell.Tests.Storage;

/// <summary>A directory of its own for one test, gone afterwards. Short, because Unix sockets have short paths.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pacer-server-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
