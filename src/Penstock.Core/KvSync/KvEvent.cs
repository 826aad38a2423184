namespace Penstock.Core.KvSync;

/// <summary>
/// One cache event of an engine, or a part of a long one, whatever dialect it came in. Spans belong to whoever made the
/// event and are valid for the call that hands it out. What an engine did not say is empty, −1 or the default.
/// </summary>
public ref struct KvEvent
{
    public KvEvent()
    {
    }

    public KvEventKind Kind { get; set; }

    /// <summary>Where the blocks are, or were.</summary>
    public KvTier Tier { get; set; }

    /// <summary>What the blocks' group is for.</summary>
    public KvSpecKind Spec { get; set; }

    /// <summary>The cache group that the blocks belong to; −1: the engine has but one.</summary>
    public int Group { get; set; } = -1;

    /// <summary>Tokens of the window of a sliding-window group; 0: not said.</summary>
    public int SlidingWindow { get; set; }

    /// <summary>The engine's own names of the blocks, each following the one before it. A name that the engine wrote
    /// as bytes is its last eight, big-endian.</summary>
    public ReadOnlySpan<ulong> Hashes { get; set; }

    /// <summary>True where <see cref="Parent"/> names a block; false where the first block begins a prompt.</summary>
    public bool HasParent { get; set; }

    /// <summary>The block before the first of <see cref="Hashes"/>.</summary>
    public ulong Parent { get; set; }

    /// <summary>Tokens of one block.</summary>
    public int BlockTokens { get; set; }

    /// <summary>The token ids of the blocks, <see cref="BlockTokens"/> each; empty where the engine did not tell them,
    /// or told them in a way that cannot be laid over the blocks.</summary>
    public ReadOnlySpan<uint> Tokens { get; set; }

    /// <summary>For each block, what besides the tokens makes it what it is (an image, for one), as a hash; 0:
    /// nothing. Empty: nothing for any.</summary>
    public ReadOnlySpan<ulong> Extras { get; set; }

    /// <summary>The name of the adapter, UTF-8.</summary>
    public ReadOnlySpan<byte> Adapter { get; set; }

    /// <summary>The number of the adapter, which older engines tell; −1: none.</summary>
    public long AdapterId { get; set; } = -1;

    /// <summary>What keeps this prompt's cache apart from others', UTF-8. Told with the first block of a prompt.
    /// </summary>
    public ReadOnlySpan<byte> Salt { get; set; }
}
