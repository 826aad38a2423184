using Penstock.Core.Primitives;

namespace Penstock.Core.KvSync;

/// <summary>How many entries some tables may have together.</summary>
internal sealed class BlockRoom
{
    private readonly int _blocksMax;

    public BlockRoom(int blocksMax)
    {
        Check.That(blocksMax > 0 && blocksMax <= 1 << 29);
        _blocksMax = blocksMax;
    }

    /// <summary>Entries that they have.</summary>
    public int Taken { get; set; }

    public bool IsFull => Taken >= _blocksMax;
}
