using Penstock.Core.KvSync;

namespace Penstock.Core.Tests.KvSync;

/// <summary>What a map told of keys: which each rank holds in each tier. Says where a call makes no sense.</summary>
internal sealed class KeyRecord : IKvKeySink
{
    private readonly HashSet<(int Rank, KvTier Tier, ulong Key)> _held = [];

    /// <summary>Keys stored that were there, or removed that were not.</summary>
    public int Senseless { get; private set; }

    public ulong[] In(KvTier tier, int rank = 0) =>
        [.. _held.Where(h => h.Rank == rank && h.Tier == tier).Select(h => h.Key).Order()];

    public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens)
    {
        foreach (var key in keys)
        {
            Senseless += _held.Add((rank, tier, key)) ? 0 : 1;
        }
    }

    public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys)
    {
        foreach (var key in keys)
        {
            Senseless += _held.Remove((rank, tier, key)) ? 0 : 1;
        }
    }

    public void Cleared(int rank) => _held.RemoveWhere(h => h.Rank == rank);
}
