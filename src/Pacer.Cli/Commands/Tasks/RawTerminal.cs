using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pacer.Cli.Commands.Tasks;

/// <summary>Puts the terminal on standard input into raw mode, so that every key reaches the other side; disposing restores it.</summary>
internal sealed partial class RawTerminal : IDisposable
{
    private const int StandardInput = 0;
    private const int Now = 0; // TCSANOW

    /// <summary>struct termios is 60 bytes with glibc and musl on 64-bit Linux; the rest is room to spare.</summary>
    private const int TermiosSize = 256;

    private readonly byte[] _before;

    private RawTerminal(byte[] before) => _before = before;

    /// <summary>Null when standard input is no terminal.</summary>
    public static RawTerminal? Enter()
    {
        var before = new byte[TermiosSize];
        if (GetAttributes(StandardInput, before) != 0)
        {
            return null;
        }
        var raw = (byte[])before.Clone();
        MakeRaw(raw);
        _ = SetAttributes(StandardInput, Now, raw);
        return new RawTerminal(before);
    }

    /// <summary>Standard input without the line editing that the console class adds.</summary>
    public static Stream OpenInput() => new FileStream(new SafeFileHandle(StandardInput, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    public void Dispose() => _ = SetAttributes(StandardInput, Now, _before);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, [Out] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int when, [In] byte[] attributes);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw([In, Out] byte[] attributes);
}
