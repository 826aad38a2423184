using System.Runtime.InteropServices;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What one replica is believed to hold under one key: a block of a prompt, the end of one of its parts, or an answer.
/// </summary>
/// <remarks>20 bytes. Which replica it is follows from its place in the table. While a request holds the block it is in
/// no list, and the members of the list say how many do.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct CachedBlock
{
    /// <summary>Tokens of one entry at most.</summary>
    public const int TokensMax = ushort.MaxValue;

    private const int Unconfirmed = -1;
    private const int Confirmed = -2;
    private const int Free = -3;
    private const int TierShift = 8;
    private const int RunBit = 1 << 10;
    private const int SharedBit = 1 << 11;
    private const int CopyShift = 12;

    public ulong Hash;

    /// <summary>Its neighbour in its list, or among the free ones; while it is held, how many requests hold it.
    /// </summary>
    public int Newer;

    /// <summary>Its neighbour in its list; while it is held, below 0.</summary>
    public int Older;

    public ushort Tokens;

    private ushort _bits;

    public readonly bool IsPinned => Older < 0;

    /// <summary>There is nothing here.</summary>
    public readonly bool IsFree => Older == Free;

    /// <summary>Held only by requests of which none has shown yet that the engine took it in.</summary>
    public readonly bool IsUnconfirmed => Older == Unconfirmed;

    /// <summary>When it was last used: a place in the <see cref="AgeRing"/>.</summary>
    public byte Stamp
    {
        readonly get => (byte)_bits;
        set => _bits = (ushort)((_bits & ~byte.MaxValue) | value);
    }

    public CacheTier Tier
    {
        readonly get => (CacheTier)((_bits >> TierShift) & 3);
        set => _bits = (ushort)((_bits & ~(3 << TierShift)) | ((int)value << TierShift));
    }

    /// <summary>The first of the blocks that one request added: a tree loses them together.</summary>
    public bool BeginsRun
    {
        readonly get => (_bits & RunBit) != 0;
        set => _bits = (ushort)(value ? _bits | RunBit : _bits & ~RunBit);
    }

    /// <summary>The fastest tier of the engine below its own in which there is a copy of it; null where there is none.
    /// </summary>
    public readonly CacheTier? Copy =>
        HasCopy(CacheTier.Host) ? CacheTier.Host : HasCopy(CacheTier.Disk) ? CacheTier.Disk : null;

    /// <summary>It is one of the many pairs of a block in <see cref="SharedBlocks"/>.</summary>
    public bool IsShared
    {
        readonly get => (_bits & SharedBit) != 0;
        set => _bits = (ushort)(value ? _bits | SharedBit : _bits & ~SharedBit);
    }

    /// <summary>Whether a tier below the accelerator's memory has a copy.</summary>
    public void SetCopy(CacheTier tier, bool has) =>
        _bits = (ushort)(has ? _bits | CopyBit(tier) : _bits & ~CopyBit(tier));

    /// <summary>Nothing is here any more; <paramref name="next"/> is the free place after it.</summary>
    public void SetFree(int next)
    {
        Newer = next;
        Older = Free;
    }

    /// <summary>One more request holds it.</summary>
    public void Pin()
    {
        if (IsPinned)
        {
            Newer++;
            return;
        }

        Newer = 1;
        Older = Confirmed;
    }

    /// <summary>A request holds it, and nothing has shown yet that the engine took it in.</summary>
    public void PinNew()
    {
        Newer = 1;
        Older = Unconfirmed;
    }

    /// <summary>One request less; true where it was the last one.</summary>
    public bool Unpin(bool confirms)
    {
        if (confirms)
        {
            Older = Confirmed;
        }

        return --Newer == 0;
    }

    private readonly bool HasCopy(CacheTier tier) => (_bits & CopyBit(tier)) != 0;

    private static int CopyBit(CacheTier tier) => 1 << (CopyShift + (int)tier - (int)CacheTier.Host);
}
