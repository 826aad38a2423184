using System.Buffers;

namespace Penstock.Wire.Zmtp;

/// <summary>
/// One end of a ZMTP 3.x connection with the NULL mechanism (https://rfc.zeromq.org/spec/23/ and /37/), without the
/// connection: bytes received are put into <see cref="Free"/>, bytes to send come out of <see cref="Start"/> and
/// <see cref="Read"/>. Which side connected makes no difference. Chunks may be cut anywhere. What a peer can make it
/// hold is bounded by <see cref="ZmtpLimits"/>, and grows with what arrived, not with what was announced. PING is
/// answered, other commands that nobody asked for are stepped over.
/// <para>Nothing is allocated per message. Not thread-safe.</para>
/// </summary>
public sealed class ZmtpPeer : IDisposable
{
    /// <summary>Bytes of a command at most. Ours to choose; a topic is the longest thing in one.</summary>
    private const int CommandBytesMax = 4 * 1024;

    private const int PingContextMax = 16;

    private readonly ZmtpSocketType _type;
    private readonly ZmtpLimits _limits;
    private readonly byte[] _identity;
    private readonly ReceiveBuffer _buffer = new();
    private readonly (int From, int Length)[] _frames;
    private int _done;       // bytes at the front of the buffer that the caller has seen and that can go
    private int _assembled;  // bytes of the message under way whose frames are all there
    private bool _isGreeted;
    private int _topicFrom;
    private int _topicLength;

    /// <param name="type">What this end is.</param>
    /// <param name="limits">What the other end may make us hold.</param>
    /// <param name="identity">The name under which a router knows this end; empty: it makes one up.</param>
    public ZmtpPeer(ZmtpSocketType type, ZmtpLimits? limits = null, ReadOnlySpan<byte> identity = default)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)type, (int)ZmtpSocketType.Other);
        _type = type;
        _limits = limits ?? ZmtpLimits.Default;
        _identity = identity.ToArray();
        _frames = new (int, int)[_limits.FramesMax];
    }

    /// <summary>True from the moment when messages may be sent.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The other end speaks 3.1: subscriptions go to it as commands. Known once it is ready.</summary>
    public bool TakesCommands { get; private set; }

    /// <summary>What the other end is. Known once it is ready.</summary>
    public ZmtpSocketType PeerType { get; private set; }

    /// <summary>Why the connection is over.</summary>
    public ZmtpFault Fault { get; private set; }

    /// <summary>Frames of the message that <see cref="Read"/> found.</summary>
    public int FrameCount { get; private set; }

    /// <summary>The topic of a subscription that <see cref="Read"/> found. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Topic => _buffer.Held.Slice(_topicFrom, _topicLength);

    /// <summary>True where bytes of something unfinished are held: a stream that ends now was cut.</summary>
    public bool HasPartial => _buffer.Held.Length > _done;

    /// <summary>Writes what this end sends first. Call once.</summary>
    public static void Start(IBufferWriter<byte> output) => ZmtpWriter.Greeting(output);

    /// <summary>Where received bytes are to be put. Say how many with <see cref="Received"/>.</summary>
    public Memory<byte> Free()
    {
        DropDone();
        return _buffer.Free();
    }

    /// <summary>So many bytes were received into <see cref="Free"/>.</summary>
    public void Received(int bytes) => _buffer.Received(bytes);

    /// <summary>Takes bytes that were received elsewhere.</summary>
    public void Feed(ReadOnlySpan<byte> chunk)
    {
        while (!chunk.IsEmpty)
        {
            var free = Free().Span;
            var part = chunk[..Math.Min(free.Length, chunk.Length)];
            part.CopyTo(free);
            Received(part.Length);
            chunk = chunk[part.Length..];
        }
    }

    /// <summary>A frame of the message that <see cref="Read"/> found. Valid until the next call on this peer.</summary>
    public ReadOnlySpan<byte> Frame(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, FrameCount);
        var (from, length) = _frames[index];
        return _buffer.Held.Slice(from, length);
    }

    /// <summary>Takes the next thing out of the bytes received. Call until it needs more.</summary>
    /// <param name="output">Where answers that the protocol asks for go: READY, PONG. Send them.</param>
    public ZmtpInput Read(IBufferWriter<byte> output)
    {
        DropDone();
        if (Fault != ZmtpFault.None)
        {
            return ZmtpInput.Failed;
        }

        if (!_isGreeted && !TakeGreeting(output))
        {
            return Fault == ZmtpFault.None ? ZmtpInput.NeedsMore : ZmtpInput.Failed;
        }

        while (true)
        {
            var rest = _buffer.Held[_assembled..];
            if (!FrameHead.TryRead(rest, out var head))
            {
                // The flags alone may already be wrong.
                var isWrong = !rest.IsEmpty && !new FrameHead(rest[0], 0, 0).IsValid;
                return isWrong ? Fail(ZmtpFault.BadFrame) : ZmtpInput.NeedsMore;
            }

            if (Judge(head) is var fault and not ZmtpFault.None)
            {
                return Fail(fault);
            }

            if ((ulong)(rest.Length - head.Bytes) < head.Size)
            {
                return ZmtpInput.NeedsMore;
            }

            if (Take(head, output) is var found and not ZmtpInput.NeedsMore)
            {
                return found;
            }
        }
    }

    public void Dispose() => _buffer.Dispose();

    private void DropDone()
    {
        if (_done > 0)
        {
            _buffer.Drop(_done);
            _done = 0;
            FrameCount = 0;
        }
    }

    private bool TakeGreeting(IBufferWriter<byte> output)
    {
        var held = _buffer.Held;
        var greeting = held[..Math.Min(held.Length, ZmtpWriter.GreetingBytes)];
        Fault = Handshake.Judge(greeting);
        if (Fault != ZmtpFault.None || greeting.Length < ZmtpWriter.GreetingBytes)
        {
            return false;
        }

        _isGreeted = true;
        TakesCommands = Handshake.HasCommands(greeting);
        _buffer.Drop(ZmtpWriter.GreetingBytes);
        ZmtpWriter.Ready(output, _type, _identity);
        return true;
    }

    private ZmtpFault Judge(FrameHead head)
    {
        if (!head.IsValid || (head.IsCommand && _assembled > 0))
        {
            return ZmtpFault.BadFrame;
        }

        if (!IsReady && !head.IsCommand)
        {
            return ZmtpFault.BadHandshake;
        }

        var bytesMax = head.IsCommand ? CommandBytesMax : _limits.MessageBytesMax - _assembled - head.Bytes;
        if (bytesMax < 0 || head.Size > (ulong)bytesMax)
        {
            return ZmtpFault.TooLarge;
        }

        return !head.IsCommand && FrameCount == _limits.FramesMax ? ZmtpFault.TooManyFrames : ZmtpFault.None;
    }

    /// <summary>A frame that is all there. NeedsMore: nothing that the caller must know; go on.</summary>
    private ZmtpInput Take(FrameHead head, IBufferWriter<byte> output)
    {
        var from = _assembled + head.Bytes;
        var end = from + (int)head.Size;
        if (head.IsCommand)
        {
            _done = end;
            var found = TakeCommand(from, (int)head.Size, output);
            if (found == ZmtpInput.NeedsMore)
            {
                DropDone();
            }

            return found;
        }

        _frames[FrameCount++] = (from, (int)head.Size);
        _assembled = end;
        if (head.HasMore)
        {
            return ZmtpInput.NeedsMore;
        }

        _done = end;
        _assembled = 0;
        if (_type is not (ZmtpSocketType.Pub or ZmtpSocketType.XPub))
        {
            return ZmtpInput.Message;
        }

        // What a subscriber of ZMTP 3.0 says: one frame, 1 and the topic to subscribe, 0 and the topic to cancel.
        var first = Frame(0);
        if (FrameCount == 1 && first.Length > 0 && first[0] <= 1)
        {
            return Topical(first[0] == 1 ? ZmtpInput.Subscribed : ZmtpInput.Cancelled, from + 1, end);
        }

        DropDone();
        return ZmtpInput.NeedsMore;
    }

    private ZmtpInput TakeCommand(int from, int length, IBufferWriter<byte> output)
    {
        var body = _buffer.Held.Slice(from, length);
        if (!Handshake.TrySplit(body, out var name, out var data))
        {
            return Fail(IsReady ? ZmtpFault.BadCommand : ZmtpFault.BadHandshake);
        }

        if (!IsReady)
        {
            return TakeReady(name, data);
        }

        var dataFrom = from + length - data.Length;
        if (name.SequenceEqual("PING"u8))
        {
            if (data.Length is < 2 or > 2 + PingContextMax)
            {
                return Fail(ZmtpFault.BadCommand);
            }

            ZmtpWriter.Pong(output, data[2..]);
        }
        else if (name.SequenceEqual("SUBSCRIBE"u8))
        {
            return Topical(ZmtpInput.Subscribed, dataFrom, from + length);
        }
        else if (name.SequenceEqual("CANCEL"u8))
        {
            return Topical(ZmtpInput.Cancelled, dataFrom, from + length);
        }

        return ZmtpInput.NeedsMore;
    }

    private ZmtpInput TakeReady(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        if (!name.SequenceEqual("READY"u8) || !Handshake.TryReadProperties(data, out var type))
        {
            return Fail(ZmtpFault.BadHandshake);
        }

        PeerType = type;
        if (!ZmtpSocketTypes.MayTalk(_type, type))
        {
            return Fail(ZmtpFault.WrongSocketType);
        }

        IsReady = true;
        return ZmtpInput.Ready;
    }

    private ZmtpInput Topical(ZmtpInput found, int from, int end)
    {
        _topicFrom = from;
        _topicLength = end - from;
        return found;
    }

    private ZmtpInput Fail(ZmtpFault fault)
    {
        Fault = fault;
        return ZmtpInput.Failed;
    }
}
