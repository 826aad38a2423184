using System.Runtime.Intrinsics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// How many of the tokens that each replica holds were last used when: a ring of epochs a replica, each some share of
/// its cache long. Tells how much was used since an entry was, and for how long the oldest is unused, without a time in
/// every entry.
/// </summary>
/// <remarks>An epoch is the longer the fuller the ring is, so that it never runs into its own end: where old entries
/// stay for long, ages get coarser.</remarks>
internal sealed class AgeRing(int replicas)
{
    /// <summary>Bytes a replica, all told.</summary>
    public const int BytesPerReplica = (Epochs * (sizeof(int) + sizeof(long))) + 16;

    private const int Epochs = 256;
    private const int EpochsOfCache = 64;
    private const int VolumeMin = 256;

    private readonly int[] _tokens = new int[replicas * Epochs];
    private readonly long[] _starts = new long[replicas * Epochs];
    private readonly Ring[] _rings = new Ring[replicas];

    /// <summary>Tokens were used last now. Returns the stamp of their epoch.</summary>
    public byte Add(int replica, int tokens, long resident, Instant now)
    {
        ref var ring = ref _rings[replica];
        var at = replica * Epochs;
        if (ring.Volume >= ring.Long)
        {
            Advance(ref ring, at, resident, now);
        }

        ring.Volume += tokens;
        _tokens[at + ring.Newest] += tokens;
        while (ring.Oldest != ring.Newest && _tokens[at + ring.Oldest] == 0)
        {
            ring.Oldest++;
        }

        return ring.Newest;
    }

    /// <summary>Tokens of an epoch are used again, or gone.</summary>
    public void Remove(int replica, byte stamp, int tokens) => _tokens[(replica * Epochs) + stamp] -= tokens;

    /// <summary>Tokens that were last used before those of an epoch, and half of its own.</summary>
    public long OlderThan(int replica, byte stamp)
    {
        var at = replica * Epochs;
        var sum = _tokens[at + stamp] / 2L;
        for (var epoch = (byte)(_rings[replica].Newest + 1); epoch != stamp; epoch++)
        {
            sum += _tokens[at + epoch];
        }

        return sum;
    }

    /// <summary>Whether an epoch is one of the newest <paramref name="count"/>.</summary>
    public bool IsAmongNewest(int replica, byte stamp, int count) =>
        (byte)(_rings[replica].Newest - stamp) < count;

    /// <summary>How many of the newest epochs there are before which more than <paramref name="tokens"/> of
    /// <paramref name="resident"/> were used last.</summary>
    public int NewestWithin(int replica, long resident, long tokens)
    {
        var at = replica * Epochs;
        var newest = _rings[replica].Newest;
        for (var count = Epochs; count > 0; count--)
        {
            var epoch = (byte)(newest - count + 1);
            if (resident - (_tokens[at + epoch] / 2) < tokens)
            {
                return count;
            }

            resident -= _tokens[at + epoch];
        }

        return 0;
    }

    /// <summary>When an epoch began.</summary>
    public Instant StartOf(int replica, byte stamp) => new(_starts[(replica * Epochs) + stamp]);

    /// <summary>When an epoch ended; null for the newest.</summary>
    public Instant? EndOf(int replica, byte stamp) =>
        stamp == _rings[replica].Newest ? null : StartOf(replica, (byte)(stamp + 1));

    /// <summary>The epoch in which the oldest tokens end that add up to <paramref name="tokens"/>.</summary>
    public byte EndOfOldest(int replica, long tokens)
    {
        ref readonly var ring = ref _rings[replica];
        var epochs = _tokens.AsSpan(replica * Epochs, Epochs);
        var epoch = ring.Oldest;
        while (epoch != ring.Newest)
        {
            if (epoch % Vector256<int>.Count == 0 && (byte)(ring.Newest - epoch) >= Vector256<int>.Count)
            {
                // Whole steps at once, as long as they do not reach it.
                var (low, high) = Vector256.Widen(Vector256.Create<int>(epochs.Slice(epoch, Vector256<int>.Count)));
                var sum = Vector256.Sum(low + high);
                if (sum < tokens)
                {
                    tokens -= sum;
                    epoch += (byte)Vector256<int>.Count;
                    continue;
                }
            }

            tokens -= epochs[epoch];
            if (tokens <= 0)
            {
                break;
            }

            epoch++;
        }

        return epoch;
    }

    /// <summary>Nothing is left of a replica's tokens.</summary>
    public void Clear(int replica) => _tokens.AsSpan(replica * Epochs, Epochs).Clear();

    public void Save(StateWriter to)
    {
        to.WriteAll<int>(_tokens);
        to.WriteAll<long>(_starts);
        to.WriteAll<Ring>(_rings);
    }

    public void Load(ref StateReader from)
    {
        from.ReadAll<int>(_tokens);
        from.ReadAll<long>(_starts);
        from.ReadAll<Ring>(_rings);
    }

    private void Advance(ref Ring ring, int at, long resident, Instant now)
    {
        var next = (byte)(ring.Newest + 1);
        ring.Volume = 0;
        if (_tokens[at + next] > 0)
        {
            ring.Long = Math.Max(ring.Long, 1) * 2;
            return;
        }

        // What is free ahead says how near the oldest is.
        var free = 1;
        while (free < Epochs / 2 && _tokens[at + (byte)(next + free)] == 0)
        {
            free++;
        }

        var volume = Math.Max(VolumeMin, resident / EpochsOfCache);
        ring.Long = free >= Epochs / 2 ? volume : free >= Epochs / 4 ? volume * 2 : volume * 8;
        ring.Oldest = ring.Oldest == next ? (byte)(next + 1) : ring.Oldest;
        ring.Newest = next;
        _starts[at + next] = now.Nanoseconds;
    }

    private struct Ring
    {
        /// <summary>Tokens used in the newest epoch so far, and how many make it end.</summary>
        public long Volume;
        public long Long;
        public byte Newest;

        /// <summary>The epochs from after the newest up to this one, going round, are empty.</summary>
        public byte Oldest;
    }
}
