using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Hosting;
using Pacer.Server.Storage;

namespace Pacer.Server.Api.About;

/// <summary>
/// <c>DELETE /v2/leader</c>: the server gives up the lead, does what was wished for before the next one begins, and leads again.
/// </summary>
internal sealed class Abdication(ServerIdentity identity)
{
    private Func<Wish, Task>? _abdicate;
    private int _begun;

    /// <summary>Who carries it out, some time after <see cref="Begin"/>.</summary>
    public void Use(Func<Wish, Task> abdicate) => _abdicate = abdicate;

    /// <summary>Throws <see cref="ApiException"/> (422) for a wish that could not be carried out.</summary>
    public void Begin(Wish wish)
    {
        wish.Check(Path.GetFullPath(identity.Options.DataDir));
        if (Interlocked.Exchange(ref _begun, 1) != 0)
        {
            throw new ApiException(new ApiError(503, "The server is giving up the lead already. Repeat the request in a moment.") { RetryAfterSeconds = 1 });
        }
        // It ends this request's server, so it can't be awaited here; what goes wrong is logged by the server that comes next.
        _ = _abdicate?.Invoke(wish);
    }

    /// <param name="Backup">File to write the state to; null: none.</param>
    /// <param name="Restore">File to take the state from after the backup; null: none.</param>
    internal sealed record Wish(string? Backup, string? Restore)
    {
        public static Wish Read(HttpContext http) => new(File(http, "backup"), File(http, "restore"));

        public void Check(string dataDir)
        {
            try
            {
                if (Backup is not null)
                {
                    StateBackup.CheckTarget(dataDir, Backup);
                }
                if (Restore is not null && Restore != Backup)
                {
                    StateBackup.Check(Restore);
                }
            }
            catch (BackupException e)
            {
                throw new ApiException(ApiErrors.Unprocessable(e.Message));
            }
        }

        /// <summary>Backup, then restore; without the backup that was asked for, nothing is replaced. Gives what went wrong.</summary>
        public string? CarryOut(string dataDir)
        {
            try
            {
                if (Backup is not null)
                {
                    StateBackup.Create(dataDir, Backup);
                }
                if (Restore is not null)
                {
                    StateBackup.Restore(dataDir, Restore);
                }
                return null;
            }
            catch (BackupException e)
            {
                return e.Message;
            }
        }

        private static string? File(HttpContext http, string name)
        {
            if (AppQuery.Text(http, name) is not { } text)
            {
                return null;
            }
            return StateBackup.TryPath(text, out var path)
                ? path
                : throw new ApiException(ApiErrors.Unprocessable(
                    $"Invalid {name} '{text}': must be a file of the server's machine, as in file:///var/backups/pacer.backup"));
        }
    }
}
