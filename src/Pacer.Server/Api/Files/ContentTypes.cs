namespace Pacer.Server.Api.Files;

internal static class ContentTypes
{
    /// <summary>By the file's ending; logs and everything unknown without an ending are text that browsers may show.</summary>
    public static string Of(string fileName) => Path.GetExtension(fileName).ToLowerInvariant() switch
    {
        ".json" => "application/json",
        ".xml" => "application/xml",
        ".csv" => "text/csv",
        ".htm" or ".html" => "text/html",
        ".gz" or ".tgz" => "application/gzip",
        ".tar" => "application/x-tar",
        ".zip" => "application/zip",
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".txt" or ".log" or ".out" or ".err" or ".md" or ".yml" or ".yaml" or ".conf" => "text/plain",
        "" when fileName is "stdout" or "stderr" => "text/plain",
        _ => "application/octet-stream",
    };
}
