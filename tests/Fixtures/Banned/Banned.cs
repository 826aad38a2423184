using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Threading.Channels;

namespace Penstock.Fixtures.Banned;

// One statement a banned symbol, named at the end of its line. A symbol that its list misspells bans nothing and says
// nothing; here it is missed, because no error appears on its line.
public static class Banned
{
    public static object?[] Everything() =>
    [
        Slept(),
        SleptSpan(),
        DateTime.Now, // P:System.DateTime.Now
        DateTime.Today, // P:System.DateTime.Today
        DateTimeOffset.Now, // P:System.DateTimeOffset.Now
        TimeZoneInfo.Local, // P:System.TimeZoneInfo.Local
        DateTime.UtcNow, // P:System.DateTime.UtcNow
        DateTimeOffset.UtcNow, // P:System.DateTimeOffset.UtcNow
        TimeProvider.System, // P:System.TimeProvider.System
        Stopwatch.GetTimestamp(), // T:System.Diagnostics.Stopwatch
        Environment.TickCount64, // T:System.Environment
        Random.Shared.Next(), // T:System.Random
        RandomNumberGenerator.GetInt32(2), // T:System.Security.Cryptography.RandomNumberGenerator
        Guid.NewGuid(), // M:System.Guid.NewGuid
        Guid.CreateVersion7(), // M:System.Guid.CreateVersion7
        Guid.CreateVersion7(default), // M:System.Guid.CreateVersion7(System.DateTimeOffset)
        typeof(Task), // T:System.Threading.Tasks.Task
        typeof(Task<int>), // T:System.Threading.Tasks.Task`1
        typeof(ValueTask), // T:System.Threading.Tasks.ValueTask
        typeof(ValueTask<int>), // T:System.Threading.Tasks.ValueTask`1
        typeof(TaskCompletionSource), // T:System.Threading.Tasks.TaskCompletionSource
        typeof(TaskCompletionSource<int>), // T:System.Threading.Tasks.TaskCompletionSource`1
        Parallel.For(0, 1, static _ => { }), // T:System.Threading.Tasks.Parallel
        ParallelEnumerable.Range(0, 1), // T:System.Linq.ParallelEnumerable
        Thread.CurrentThread, // T:System.Threading.Thread
        ThreadPool.ThreadCount, // T:System.Threading.ThreadPool
        typeof(ThreadLocal<int>), // T:System.Threading.ThreadLocal`1
        typeof(AsyncLocal<int>), // T:System.Threading.AsyncLocal`1
        typeof(Lock), // T:System.Threading.Lock
        Monitor.IsEntered(new object()), // T:System.Threading.Monitor
        new Mutex(), // T:System.Threading.Mutex
        new Semaphore(1, 1), // T:System.Threading.Semaphore
        new SemaphoreSlim(1), // T:System.Threading.SemaphoreSlim
        new ReaderWriterLockSlim(), // T:System.Threading.ReaderWriterLockSlim
        new SpinLock(), // T:System.Threading.SpinLock
        new ManualResetEventSlim(), // T:System.Threading.ManualResetEventSlim
        typeof(EventWaitHandle), // T:System.Threading.EventWaitHandle
        new CancellationTokenSource(), // T:System.Threading.CancellationTokenSource
        Channel.CreateBounded<int>(1), // T:System.Threading.Channels.Channel
        typeof(Timer), // T:System.Threading.Timer
        typeof(PeriodicTimer), // T:System.Threading.PeriodicTimer
        new System.Timers.Timer(), // T:System.Timers.Timer
        File.Exists(""), // T:System.IO.File
        new FileInfo("a"), // T:System.IO.FileInfo
        Directory.Exists(""), // T:System.IO.Directory
        new DirectoryInfo("a"), // T:System.IO.DirectoryInfo
        typeof(FileStream), // T:System.IO.FileStream
        typeof(RandomAccess), // T:System.IO.RandomAccess
        Path.DirectorySeparatorChar, // T:System.IO.Path
        typeof(MemoryMappedFile), // T:System.IO.MemoryMappedFiles.MemoryMappedFile
        Dns.GetHostName(), // T:System.Net.Dns
        typeof(Socket), // T:System.Net.Sockets.Socket
        new TcpClient(), // T:System.Net.Sockets.TcpClient
        new UdpClient(), // T:System.Net.Sockets.UdpClient
        new HttpClient(), // T:System.Net.Http.HttpClient
        new ClientWebSocket(), // T:System.Net.WebSockets.ClientWebSocket
        new Process(), // T:System.Diagnostics.Process
        Console.Out, // T:System.Console
        CultureInfo.CurrentCulture, // P:System.Globalization.CultureInfo.CurrentCulture
        CultureInfo.CurrentUICulture, // P:System.Globalization.CultureInfo.CurrentUICulture
        "".GetHashCode(), // M:System.String.GetHashCode
        "".GetHashCode(StringComparison.Ordinal), // M:System.String.GetHashCode(System.StringComparison)
        string.GetHashCode(""), // M:System.String.GetHashCode(System.ReadOnlySpan{System.Char})
        string.GetHashCode("", 0), // M:System.String.GetHashCode(System.ReadOnlySpan{System.Char},System.StringComparison)
        new object().GetHashCode(), // M:System.Object.GetHashCode
        RuntimeHelpers.GetHashCode(""), // M:System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(System.Object)
        HashCode.Combine(1), // T:System.HashCode
    ];

    private static object? Slept()
    {
        Thread.Sleep(1); // M:System.Threading.Thread.Sleep(System.Int32)
        return null;
    }

    private static object? SleptSpan()
    {
        Thread.Sleep(TimeSpan.Zero); // M:System.Threading.Thread.Sleep(System.TimeSpan)
        return null;
    }
}
