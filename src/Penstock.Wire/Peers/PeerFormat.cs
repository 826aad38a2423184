namespace Penstock.Wire.Peers;

/// <summary>
/// The bounds of the stream that gateways send each other. A stream is a sequence of frames, each
/// <c>kind: 1 byte, length: 3 bytes, payload</c>. Numbers are little-endian; those of varying size are LEB128, the
/// others are 64-bit block hashes. A payload may grow at its end: what a reader does not know, it skips.
/// </summary>
public static class PeerFormat
{
    /// <summary>Peers of another version do not talk.</summary>
    public const int Version = 2;

    public const int HeaderBytes = 4;

    /// <summary>Bytes of a payload at most.</summary>
    public const int FrameBytesMax = 64 * 1024;

    /// <summary>Bytes of a name (of a node, pool or replica) at most; printable ASCII.</summary>
    public const int NameBytesMax = 256;

    /// <summary>Replicas that one stream can name at most.</summary>
    public const int ReplicasMax = 16_384;

    /// <summary>Blocks of one chain at most: 1 MiB of prompt. Of a longer one the first blocks are told.</summary>
    public const int BlocksMax = 4_096;

    /// <summary>Requests in flight at one replica at most; a peer that says more is broken.</summary>
    public const int InFlightMax = 1_000_000;

    /// <summary>Tokens that a peer can speak of at most; one that says more is broken.</summary>
    public const long TokensMax = 1L << 40;
}

/// <summary>What a frame says. Values are part of the format and are never used again for something else; 7 was of
/// version 1.</summary>
public enum PeerFrameKind : byte
{
    /// <summary>version, epoch, name of the sender. The first frame, once.</summary>
    Hello = 1,

    /// <summary>The sender's monotonic clock in nanoseconds; holds for the frames that follow.</summary>
    Heartbeat = 2,

    /// <summary>id, pool, replica: names that id for the rest of the stream. Ids come in order, from 0.</summary>
    Replica = 3,

    /// <summary>id, requests in flight, uncached prefill tokens in flight, decode tokens: the sender's own, absolute.
    /// </summary>
    Load = 4,

    /// <summary>id, depth, then the way to the first <c>depth</c> blocks and the blocks after them.</summary>
    Prefix = 5,

    /// <summary>id: the replica lost its cache.</summary>
    CacheLost = 6,

    /// <summary>The sender leaves: what it had in flight is no more.</summary>
    Goodbye = 8,

    /// <summary>id, tokens of the prompt, of its answer, length of the prompt, hash of it, then the way to its chain
    /// as in <see cref="Prefix"/>, and no blocks: a reader that skips it knows the same chains as one that does not.
    /// </summary>
    Answered = 9,
}

/// <summary>Why a stream cannot be read on. Whatever it is, the stream ends and what it said is forgotten in time.
/// </summary>
public enum PeerFailure
{
    None,

    /// <summary>A frame longer than <see cref="PeerFormat.FrameBytesMax"/>.</summary>
    TooLong,

    /// <summary>A payload that ends too early, or a name that is none.</summary>
    Malformed,

    /// <summary>The first frame is no greeting, or a later one is, or a clock ran backwards.</summary>
    OutOfOrder,

    /// <summary>Another version of the format.</summary>
    OtherVersion,

    /// <summary>A replica that was not named before, or too many of them.</summary>
    UnknownReplica,

    /// <summary>A number that no gateway can mean.</summary>
    Absurd,

    /// <summary>Blocks that this side does not have.</summary>
    UnknownBlocks,
}
