using System.Buffers.Binary;
using System.Text;

namespace Penstock.Wire.Peers;

/// <summary>
/// Frames on their way to one peer, in one buffer of fixed size. Every <c>Try…</c> adds a whole frame, or nothing and
/// false where there is no room for it.
/// </summary>
/// <remarks>Not thread-safe. Belongs to one stream: what it told of chains is remembered in its window. Allocates
/// nothing after its making.</remarks>
public sealed class PeerBatch
{
    private const int VarintBytesMax = 10;

    private readonly byte[] _bytes;
    private readonly ChainWindow _window = new();
    private readonly ChainFinder _finder;
    private int _length;
    private int _start;

    /// <param name="capacity">Bytes at most; a frame larger than that never fits.</param>
    public PeerBatch(int capacity)
    {
        _bytes = new byte[capacity];
        _finder = new ChainFinder(_window);
    }

    /// <summary>Frames in it.</summary>
    public int Frames { get; private set; }

    /// <summary>What is to be sent.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Makes room for the next frames, once these are sent.</summary>
    public void Clear()
    {
        _length = 0;
        Frames = 0;
    }

    public bool TryHello(long epoch, string node) =>
        TryStart(PeerFrameKind.Hello, (3 * VarintBytesMax) + PeerFormat.NameBytesMax)
        && Put(PeerFormat.Version) && Put((ulong)epoch) && Put(node) && End();

    /// <param name="nanoseconds">The sender's monotonic clock.</param>
    public bool TryHeartbeat(long nanoseconds) =>
        TryStart(PeerFrameKind.Heartbeat, VarintBytesMax) && Put((ulong)nanoseconds) && End();

    public bool TryReplica(int id, string pool, string replica) =>
        TryStart(PeerFrameKind.Replica, (3 * VarintBytesMax) + (2 * PeerFormat.NameBytesMax))
        && Put((ulong)id) && Put(pool) && Put(replica) && End();

    public bool TryLoad(int id, long inFlight, long prefillTokens, long decodeTokens) =>
        TryStart(PeerFrameKind.Load, 4 * VarintBytesMax)
        && Put((ulong)id)
        && Put((ulong)Math.Clamp(inFlight, 0, PeerFormat.InFlightMax))
        && Put((ulong)Math.Clamp(prefillTokens, 0, PeerFormat.TokensMax))
        && Put((ulong)Math.Clamp(decodeTokens, 0, PeerFormat.TokensMax))
        && End();

    public bool TryCacheLost(int id) =>
        TryStart(PeerFrameKind.CacheLost, VarintBytesMax) && Put((ulong)id) && End();

    public bool TryGoodbye() => TryStart(PeerFrameKind.Goodbye, 0) && End();

    /// <summary>A prompt that was routed to a replica: of its chain, the blocks that the peer does not know.</summary>
    /// <param name="id">The replica.</param>
    /// <param name="chain">At least one block; those beyond <see cref="PeerFormat.BlocksMax"/> are left out.</param>
    public bool TryPrefix(int id, ReadOnlySpan<ulong> chain)
    {
        chain = chain[..Math.Min(chain.Length, PeerFormat.BlocksMax)];
        var (segment, depth) = _finder.Find(chain);
        var rest = chain[depth..];
        if (!TryStart(PeerFrameKind.Prefix, (3 * VarintBytesMax) + ((rest.Length + 1) * sizeof(ulong))))
        {
            return false;
        }

        Put((ulong)id);
        Put((ulong)depth);
        if (depth > 0)
        {
            Put((ulong)(_window.Next - segment));
            PutHash(chain[depth - 1]);
        }

        foreach (var block in rest)
        {
            PutHash(block);
        }

        if (!rest.IsEmpty)
        {
            _finder.Note(_window.Add(segment, depth, rest), rest);
        }

        return End();
    }

    /// <summary>Whether the peer still has the chain of a prompt, so that its answer can be told.</summary>
    public bool Knows(in PeerAnswer answer) => _finder.Find(answer.LastBlock, answer.Depth) >= 0;

    /// <summary>A prompt that was told was answered. Only where the peer <see cref="Knows"/> it.</summary>
    public bool TryAnswered(int id, in PeerAnswer answer)
    {
        var segment = _finder.Find(answer.LastBlock, answer.Depth);
        if (segment < 0 || !TryStart(PeerFrameKind.Answered, (6 * VarintBytesMax) + (2 * sizeof(ulong))))
        {
            return false;
        }

        Put((ulong)id);
        Put((ulong)Math.Clamp(answer.PromptTokens, 0, PeerFormat.TokensMax));
        Put((ulong)Math.Clamp(answer.AnswerTokens, 0, PeerFormat.TokensMax));
        Put((ulong)Math.Clamp(answer.End, 0, PeerFormat.TokensMax));
        PutHash(answer.Hash);
        Put((ulong)answer.Depth);
        Put((ulong)(_window.Next - segment));
        PutHash(answer.LastBlock);
        return End();
    }

    private bool TryStart(PeerFrameKind kind, int payloadMax)
    {
        if (_bytes.Length - _length < PeerFormat.HeaderBytes + payloadMax)
        {
            return false;
        }

        _start = _length;
        _bytes[_length] = (byte)kind;
        _length += PeerFormat.HeaderBytes;
        return true;
    }

    private bool End()
    {
        var payload = _length - _start - PeerFormat.HeaderBytes;
        _bytes[_start + 1] = (byte)payload;
        _bytes[_start + 2] = (byte)(payload >> 8);
        _bytes[_start + 3] = (byte)(payload >> 16);
        Frames++;
        return true;
    }

    private bool Put(ulong value)
    {
        while (value >= 0x80)
        {
            _bytes[_length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _bytes[_length++] = (byte)value;
        return true;
    }

    private bool Put(string name)
    {
        var text = name.AsSpan(0, Math.Min(name.Length, PeerFormat.NameBytesMax));
        Put((ulong)text.Length);
        _length += Encoding.ASCII.GetBytes(text, _bytes.AsSpan(_length));
        return true;
    }

    private void PutHash(ulong hash)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_length), hash);
        _length += sizeof(ulong);
    }
}
