using System.Globalization;

namespace Pacer.Agent.Containers.Oci;

/// <summary>The exit codes that monitors leave, one file a container, put there by rename: a file is whole or absent.</summary>
internal static class ExitFiles
{
    public static int? Read(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code)
                ? code
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
