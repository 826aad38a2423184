using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Penstock.Bench.Processes;

/// <summary>
/// A server started for the benchmark, with its output in a log file. Ended by pid, with its descendants.
/// </summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Process _process;

    private ChildProcess(Process process, string logFile) => (_process, LogFile) = (process, logFile);

    public int Pid => _process.Id;

    public bool Exited => _process.HasExited;

    public string LogFile { get; }

    public static ChildProcess Start(string logFile, string command, params IEnumerable<string> arguments)
    {
        // The shell replaces itself, so the pid is the server's own and no pump of ours carries its output.
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        foreach (var argument in (IEnumerable<string>)
            ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", logFile, command, .. arguments])
            start.ArgumentList.Add(argument);
        return new ChildProcess(Process.Start(start)!, logFile);
    }

    /// <summary>Asks the whole tree to end, waits, then forces what is left.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            foreach (var pid in ProcessTree.Of(Pid))
                _ = Kill(pid, Terminate);
            if (!_process.WaitForExit(Grace))
                _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
