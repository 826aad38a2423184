using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Penstock.Bench.Wire;

/// <summary>
/// Linux epoll, level-triggered, for one thread: the cheapest way to wait on thousands of sockets from .NET, so that
/// the tools that measure take little of the machine they measure on. Waits with nanosecond timeouts.
/// </summary>
/// <remarks>A closed socket leaves the set by itself. Not thread-safe: one loop, one thread.</remarks>
internal sealed unsafe partial class EventLoop : IDisposable
{
    private const int BatchMax = 512;
    private const int ControlAdd = 1;
    private const int ControlModify = 3;
    private const uint Readable = 0x001;
    private const uint Writable = 0x004;
    private const int CloseOnExec = 0x80000;
    private const int SetTimerSlack = 29;

    // struct epoll_event is packed on x64 alone (man 2 epoll_ctl): 4 bytes of flags, then 8 of user data.
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = Stride - 8;

    private readonly byte[] _events = new byte[BatchMax * Stride];
    private readonly int[] _tokens = new int[BatchMax];
    private readonly int _handle;

    public EventLoop()
    {
        _handle = EpollCreate(CloseOnExec);
        if (_handle < 0)
            throw new IOException($"epoll_create1 failed with errno {Marshal.GetLastPInvokeError()}");

        // By default the kernel may wake a sleeper 50 µs late; that would be measured as latency.
        _ = ProcessControl(SetTimerSlack, 1, 0, 0, 0);
    }

    /// <summary>
    /// Watches a socket for bytes to read; <paramref name="token"/> comes back from <see cref="Wait"/>.
    /// </summary>
    public void Add(Socket socket, int token) => Control(ControlAdd, socket, token, Readable);

    /// <summary>Changes whether a watched socket also reports that it can be written to.</summary>
    public void WatchWrites(Socket socket, int token, bool on) =>
        Control(ControlModify, socket, token, on ? Readable | Writable : Readable);

    /// <summary>
    /// Tokens of the sockets that have something to do, after at most <paramref name="nanoseconds"/> (negative: no
    /// limit). The span is valid until the next call.
    /// </summary>
    public ReadOnlySpan<int> Wait(long nanoseconds)
    {
        var timeout = new TimeSpec(Math.DivRem(Math.Max(nanoseconds, 0), 1_000_000_000, out var rest), rest);
        int count;
        fixed (byte* events = _events)
            count = EpollWait(_handle, events, BatchMax, nanoseconds < 0 ? null : &timeout, null);
        for (var i = 0; i < count; i++)
            _tokens[i] = (int)BinaryPrimitives.ReadInt64LittleEndian(_events.AsSpan(i * Stride + DataOffset));
        return _tokens.AsSpan(0, Math.Max(count, 0));
    }

    public void Dispose() => _ = Close(_handle);

    private void Control(int operation, Socket socket, int token, uint flags)
    {
        var item = stackalloc byte[16];
        var span = new Span<byte>(item, 16);
        BinaryPrimitives.WriteUInt32LittleEndian(span, flags);
        BinaryPrimitives.WriteInt64LittleEndian(span[DataOffset..], token);
        if (EpollControl(_handle, operation, (int)socket.Handle, item) != 0)
            throw new IOException($"epoll_ctl failed with errno {Marshal.GetLastPInvokeError()}");
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec(long seconds, long nanoseconds)
    {
        public readonly long Seconds = seconds;
        public readonly long Nanoseconds = nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, int descriptor, byte* item);

    [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    private static partial int EpollWait(int epoll, byte* events, int max, TimeSpec* timeout, void* signals);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);
}
