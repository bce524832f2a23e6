using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Pacer.EndToEnd.Support;

/// <summary>A running role. What it prints is kept and waited for.</summary>
internal sealed partial class PacerProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _text = new();
    private readonly string _line;

    private PacerProcess(Process process, string line)
    {
        _process = process;
        _line = line;
        process.OutputDataReceived += (_, data) => Keep(data.Data);
        process.ErrorDataReceived += (_, data) => Keep(data.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Text
    {
        get
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    public static PacerProcess Start(params string[] arguments) =>
        new(Process.Start(PacerProgram.StartInfo(null, arguments))!, string.Join(' ', arguments));

    /// <summary>The first group of the pattern, or the whole match, as soon as it is printed.</summary>
    public async Task<string> WaitForAsync(string pattern)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            var match = Regex.Match(Text, pattern);
            if (match.Success)
            {
                return match.Groups[match.Groups.Count > 1 ? 1 : 0].Value;
            }
            if (HasExited && since.Elapsed > TimeSpan.FromSeconds(1) || since.Elapsed > Patience)
            {
                Assert.Fail($"'pacer {_line}' {(HasExited ? $"ended with {_process.ExitCode}" : "runs")} and did not print /{pattern}/:\n{Text}");
            }
            await Task.Delay(20);
        }
    }

    /// <summary>kill -9.</summary>
    public void KillAtOnce()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async Task<int> TerminateAsync()
    {
        SendSignal(_process.Id, 15);
        using var limit = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Ctrl-C, and waits for the end.</summary>
    public async Task<int> InterruptAsync()
    {
        SendSignal(_process.Id, 2);
        return await WaitForEndAsync();
    }

    /// <summary>SIGUSR2: the next one goes on with what it leaves. Waits for the end.</summary>
    public async Task<int> HandOverAsync()
    {
        SendSignal(_process.Id, 12);
        return await WaitForEndAsync();
    }

    public async Task<int> WaitForEndAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_text)
        {
            _text.Append(line).Append('\n');
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int id, int signal);
}
