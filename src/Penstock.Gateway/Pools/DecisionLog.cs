using Penstock.Core.Recording;

namespace Penstock.Gateway.Pools;

/// <summary>The latest decisions in memory: so many, and so many bytes of them, the oldest forgotten. Thread-safe;
/// takes a lock only while it forgets for lack of bytes.</summary>
internal sealed class DecisionLog
{
    /// <summary>Decisions kept at most.</summary>
    public const int Capacity = 16_384;

    /// <summary>Bytes of them at most, but for the latest: all of <see cref="Capacity"/>, each with 16 candidates.
    /// </summary>
    public const long BytesMax = 64L << 20;

    private readonly DecisionRecord?[] _ring = new DecisionRecord?[Capacity];
    private readonly Lock _forgetting = new();
    private readonly ulong _epoch;
    private long _next;
    private long _oldest;
    private long _bytes;
    private int _count;

    /// <param name="epoch">Tells the ids of this process from those of an earlier one.</param>
    public DecisionLog(uint epoch)
    {
        _epoch = (ulong)epoch << 32;
    }

    /// <summary>Decisions in memory now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes that they take, about.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The id of a decision that is about to be added.</summary>
    public ulong NextId() => _epoch | (uint)Interlocked.Increment(ref _next);

    public void Add(DecisionRecord record)
    {
        Interlocked.Increment(ref _count);
        Interlocked.Add(ref _bytes, record.Keep());
        Forget(Interlocked.Exchange(ref _ring[record.Id % Capacity], record));
        ForgetOldest();
    }

    /// <summary>Another attempt of a request, whose decision may have been forgotten since.</summary>
    public void Add(DecisionRecord record, AttemptRecord attempt)
    {
        Interlocked.Add(ref _bytes, record.Add(attempt));
        ForgetOldest();
    }

    /// <summary>The decision of that id; null where it is unknown or no longer kept.</summary>
    public DecisionRecord? Find(string id)
    {
        var number = DecisionId.Parse(id);
        var record = number is { } known ? Volatile.Read(ref _ring[known % Capacity]) : null;
        return record?.Id == number ? record : null;
    }

    /// <summary>
    /// The decision of a request id; null where it is unknown or no longer kept. Reads the whole ring.
    /// </summary>
    public DecisionRecord? FindByRequest(string requestId) =>
        Array.Find(_ring, r => r?.RequestId == requestId);

    /// <summary>The latest decisions, newest first.</summary>
    public IEnumerable<DecisionRecord> Latest(int count)
    {
        var last = Volatile.Read(ref _next);
        for (var i = last; i > Math.Max(0, last - Math.Min(count, Capacity)); i--)
        {
            if (Volatile.Read(ref _ring[(_epoch | (uint)i) % Capacity]) is { } record)
            {
                yield return record;
            }
        }
    }

    public static string Format(ulong id) => DecisionId.Format(id);

    private void ForgetOldest()
    {
        // Whoever is at it sees what others add.
        while (Bytes > BytesMax && _forgetting.TryEnter())
        {
            try
            {
                var last = Volatile.Read(ref _next);
                for (_oldest = Math.Max(_oldest, last - Capacity); Bytes > BytesMax; _oldest++)
                {
                    if (_oldest + 1 >= last)
                    {
                        return;
                    }

                    ForgetAt(_epoch | (uint)(_oldest + 1));
                }
            }
            finally
            {
                _forgetting.Exit();
            }
        }
    }

    private void ForgetAt(ulong id)
    {
        ref var place = ref _ring[id % Capacity];
        var record = Volatile.Read(ref place);
        if (record?.Id == id && Interlocked.CompareExchange(ref place, null, record) == record)
        {
            Forget(record);
        }
    }

    private void Forget(DecisionRecord? record)
    {
        if (record is not null)
        {
            Interlocked.Decrement(ref _count);
            Interlocked.Add(ref _bytes, -record.Forget());
        }
    }
}
