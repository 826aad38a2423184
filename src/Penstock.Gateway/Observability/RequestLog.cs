namespace Penstock.Gateway.Observability;

/// <summary>
/// Where request lines go: a bounded buffer that a thread of its own empties into a stream, many lines at a time. The
/// caller pays for one copy. A full buffer drops the line and counts it: nothing here may hold a request up. Without
/// lines, nothing runs. Thread-safe.
/// </summary>
internal sealed class RequestLog : IDisposable
{
    /// <summary>Bytes that may wait; as many again may be on their way out.</summary>
    public const int BufferBytes = 1024 * 1024;

    /// <summary>
    /// Bytes of one write. Not more than a pipe takes in one piece (PIPE_BUF of POSIX, 4096 on Linux), so that lines
    /// of the process's other logs never land inside one of these.
    /// </summary>
    private const int WriteBytesMax = 4096;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastWriteMax = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Stream _output;
    private readonly Thread _thread;
    private readonly ITimer _timer;

    /// <summary>Never disposed: the last tick of the timer may still be on its way.</summary>
    private readonly AutoResetEvent _wake = new(false);

    private byte[] _filling;
    private byte[] _leaving;
    private int _filled;
    private long _lines;
    private long _dropped;
    private long _failures;
    private volatile bool _stopped;

    /// <param name="output">Written to by one thread; not disposed.</param>
    /// <param name="time">Says how long lines gather before they are written.</param>
    /// <param name="bufferBytes">Bytes that may wait.</param>
    public RequestLog(Stream output, TimeProvider time, int bufferBytes = BufferBytes)
    {
        _output = output;
        _filling = new byte[bufferBytes];
        _leaving = new byte[bufferBytes];
        _thread = new Thread(Run) { IsBackground = true, Name = "penstock request log" };
        _timer = time.CreateTimer(
            static log => ((RequestLog)log!)._wake.Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread.Start();
    }

    /// <summary>Lines taken.</summary>
    public long Lines => Volatile.Read(ref _lines);

    /// <summary>Lines not taken, because the buffer was full or the line too long.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Writes that the stream refused; their lines are lost.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Takes a line, its end included; an empty one is counted as dropped.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        bool first;
        bool half;
        lock (_gate)
        {
            if (line.IsEmpty || line.Length > _filling.Length - _filled)
            {
                _dropped++;
                return;
            }

            line.CopyTo(_filling.AsSpan(_filled));
            first = _filled == 0;
            half = _filled < _filling.Length / 2;
            _filled += line.Length;
            half &= _filled >= _filling.Length / 2;
            _lines++;
        }

        if (half)
        {
            _wake.Set();
        }
        else if (first)
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Writes what is there, as long as the stream takes it in time, and ends the thread.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _stopped = true;
        _wake.Set();
        _thread.Join(LastWriteMax);
    }

    private void Run()
    {
        bool stopped;
        do
        {
            _wake.WaitOne();
            stopped = _stopped;
            Drain();
        }
        while (!stopped);
    }

    private void Drain()
    {
        int count;
        lock (_gate)
        {
            (_filling, _leaving) = (_leaving, _filling);
            (count, _filled) = (_filled, 0);
        }

        ReadOnlySpan<byte> rest = _leaving.AsSpan(0, count);
        try
        {
            while (!rest.IsEmpty)
            {
                var piece = WholeLines(rest);
                _output.Write(rest[..piece]);
                rest = rest[piece..];
            }

            _output.Flush();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            Interlocked.Increment(ref _failures);
        }
    }

    /// <summary>As many whole lines as one write takes; a line that is longer goes alone.</summary>
    private static int WholeLines(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= WriteBytesMax)
        {
            return bytes.Length;
        }

        var end = bytes[..WriteBytesMax].LastIndexOf((byte)'\n');
        return (end >= 0 ? end : bytes.IndexOf((byte)'\n')) + 1;
    }
}
